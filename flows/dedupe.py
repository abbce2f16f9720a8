"""Which articles of the whole dataset are duplicates: the survivor rule, over all shards.

Only the columns that are needed are read, the sketches a few bands at a time, and texts only
of articles that have to be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cleaners import duplicates
from cleaners.duplicates import Compare, Decision, Entry, Pair, Rule
from flows.plan import Input, shard_path
from flows.schema import BAND_NAMES
from flows.settings import Settings

OPEN_SHARDS = 64
"""Shards whose texts are held in memory while candidates are compared; at a thousand articles
each 200 to 400 MB."""
BANDS_AT_A_TIME = 8
"""Bands read together: 64 bytes for each article, and a shard is opened four times, not 32."""
COLUMNS = (
    "id",
    "source_path",
    "words_digest",
    "word_count",
    "site",
    "canonical_url",
    "published_at",
    "fetched_at",
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where the row of an article is."""

    shard: str
    row: int


def accepted(inputs: Iterable[Input]) -> dict[str, frozenset[str]]:
    """The files whose rows count, for each shard, in a stable order."""
    found = defaultdict[str, set[str]](set)
    for entry in inputs:
        for part in entry.parts:
            found[part.shard].add(entry.path)
    return {key: frozenset(found[key]) for key in sorted(found)}


def rows_of(
    key: str, paths: frozenset[str], settings: Settings, columns: Iterable[str], ids: tuple[str, str] = ("", "g")
) -> pa.Table:
    """The rows of a shard that come from `paths`, with `ids` from the first to before the second.

    `columns` must hold `source_path`. The default is all ids, which are written in hex.
    """
    wanted = [("id", ">=", ids[0]), ("id", "<", ids[1])]
    table = pq.read_table(shard_path(key, settings), columns=list(columns), filters=wanted, partitioning=None)
    return table.filter(pc.is_in(table["source_path"], pa.array(sorted(paths), pa.string())))


def decide(inputs: Iterable[Input], settings: Settings) -> Decision:
    """The decision on all articles of `inputs`."""
    shards = accepted(inputs)
    entries, places = _entries(shards, settings)
    buckets = _buckets(shards, settings, entries)
    rule = Rule(settings.near_threshold, settings.prefer)
    return duplicates.decide(entries, buckets, _comparer(entries, places, settings), rule)


def _entries(shards: Mapping[str, frozenset[str]], settings: Settings) -> tuple[list[Entry], dict[str, Place]]:
    entries, places = list[Entry](), dict[str, Place]()
    for key, paths in shards.items():
        table = pq.read_table(shard_path(key, settings), columns=list(COLUMNS), partitioning=None)
        for number, row in enumerate(table.to_pylist()):
            if row["words_digest"] is not None and row["source_path"] in paths:
                entries.append(_entry(row))
                places[str(row["id"])] = Place(key, number)
    return entries, places


def _entry(row: Mapping[str, object]) -> Entry:
    return Entry(
        id=row["id"],  # type: ignore[arg-type]  # the schema of the shard vouches for the types
        digest=row["words_digest"],  # type: ignore[arg-type]
        length=row["word_count"],  # type: ignore[arg-type]
        site=row["site"],  # type: ignore[arg-type]
        url=row["canonical_url"],  # type: ignore[arg-type]
        published_at=row["published_at"],  # type: ignore[arg-type]
        fetched_at=row["fetched_at"],  # type: ignore[arg-type]
    )


def _buckets(
    shards: Mapping[str, frozenset[str]], settings: Settings, entries: Iterable[Entry]
) -> dict[str, list[tuple[int, int]]]:
    """For each article the bands, and its value there, that it shares with other words."""
    digests = {entry.id: entry.digest for entry in entries}
    found = defaultdict[str, list[tuple[int, int]]](list)
    for start in range(0, len(BAND_NAMES), BANDS_AT_A_TIME):
        names, bands = _bands(shards, settings, BAND_NAMES[start : start + BANDS_AT_A_TIME])
        for number, values in enumerate(bands, start):
            for bucket in _shared(values):
                members = [names[position] for position in bucket]
                if len({digests[member] for member in members}) > 1:
                    for member in members:
                        found[member].append((number, int(values[bucket[0]])))
    return found


def _bands(
    shards: Mapping[str, frozenset[str]], settings: Settings, bands: Sequence[str]
) -> tuple[list[str], list[NDArray[np.uint64]]]:
    """The ids of all articles, and for each band their values in it."""
    names, values = list[str](), [[np.empty(0, np.uint64)] for _ in bands]
    for key, paths in shards.items():
        table = rows_of(key, paths, settings, ("id", "source_path", *bands))
        table = table.filter(pc.is_valid(table[bands[0]]))
        names += table["id"].to_pylist()
        for column, band in zip(values, bands, strict=True):
            column.append(table[band].to_numpy())
    return names, [np.concatenate(column) for column in values]


def _shared(values: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """The positions of each value that occurs more than once."""
    order = np.argsort(values, kind="stable")
    edges = np.flatnonzero(np.diff(values[order])) + 1
    yield from (group for group in np.split(order, edges) if len(group) > 1)


def _comparer(entries: Iterable[Entry], places: Mapping[str, Place], settings: Settings) -> Compare:
    """A function that compares the texts of two ids, and remembers what it found for their words."""
    digests = {entry.id: entry.digest for entry in entries}
    known = dict[tuple[str, str], Pair]()

    @lru_cache(maxsize=OPEN_SHARDS)
    def texts(key: str) -> pa.ChunkedArray:
        return pq.read_table(shard_path(key, settings), columns=["text"], partitioning=None)["text"]

    def text(identity: str) -> str:
        place = places[identity]
        return str(texts(place.shard)[place.row].as_py())

    def compare(a: str, b: str) -> Pair:
        a, b = sorted((a, b), key=lambda identity: (digests[identity], identity))
        words = digests[a], digests[b]
        if words not in known:
            known[words] = duplicates.compare(text(a), text(b))
        return known[words]

    return compare
