"""Which articles of the whole dataset are duplicates: the survivor rule, over all shards.

Only the columns that are needed are read, the sketches one band at a time, and texts only
of articles that have to be compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from cleaners import duplicates
from cleaners.duplicates import Decision, Entry, Pair, Rule
from flows.plan import Input, shard_path
from flows.schema import BAND_NAMES
from flows.settings import Settings

OPEN_SHARDS = 64
"""Shards whose texts are held in memory while candidates are compared: about 200 MB."""
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


def rows_of(key: str, paths: frozenset[str], settings: Settings, columns: Iterable[str]) -> pa.Table:
    """The rows of a shard that come from `paths`; `columns` must hold `source_path`."""
    table = pq.read_table(shard_path(key, settings), columns=list(columns), partitioning=None)
    return table.filter(pc.is_in(table["source_path"], pa.array(sorted(paths), pa.string())))


def decide(inputs: Iterable[Input], settings: Settings) -> Decision:
    """The decision on all articles of `inputs`."""
    shards = accepted(inputs)
    entries, places = _entries(shards, settings)
    first = _first_of_digest(entries)
    pairs = _pairs(shards, settings, {entry.id for entry in first})
    compare = _comparer(places, settings)
    rule = Rule(settings.near_threshold, settings.prefer)
    ordered = sorted(pairs, key=lambda pair: (places[pair[0]].shard, places[pair[1]].shard, pair))
    return duplicates.decide(entries, ordered, compare, rule)


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


def _first_of_digest(entries: Iterable[Entry]) -> list[Entry]:
    """One article for each distinct sequence of words, the one with the smallest id."""
    first = dict[str, Entry]()
    for entry in entries:
        if entry.digest not in first or entry.id < first[entry.digest].id:
            first[entry.digest] = entry
    return list(first.values())


def _pairs(shards: Mapping[str, frozenset[str]], settings: Settings, ids: set[str]) -> set[tuple[str, str]]:
    """Pairs of `ids` that agree in at least one band."""
    found = set[tuple[str, str]]()
    for name in BAND_NAMES:
        names, values = _band(shards, settings, name, ids)
        for bucket in _buckets(values):
            members = sorted(names[position] for position in bucket)
            found.update((a, b) for number, a in enumerate(members) for b in members[number + 1 :])
    return found


def _band(
    shards: Mapping[str, frozenset[str]], settings: Settings, name: str, ids: set[str]
) -> tuple[list[str], NDArray[np.uint64]]:
    names, values = list[str](), list[int]()
    for key, paths in shards.items():
        table = rows_of(key, paths, settings, ("id", "source_path", name))
        for identity, value in zip(table["id"].to_pylist(), table[name].to_pylist(), strict=True):
            if identity in ids and value is not None:
                names.append(identity)
                values.append(value)
    return names, np.array(values, dtype=np.uint64)


def _buckets(values: NDArray[np.uint64]) -> Iterator[NDArray[np.int64]]:
    """The positions of each value that occurs more than once."""
    order = np.argsort(values, kind="stable")
    edges = np.flatnonzero(np.diff(values[order])) + 1
    yield from (group for group in np.split(order, edges) if len(group) > 1)


def _comparer(places: Mapping[str, Place], settings: Settings) -> Callable[[str, str], Pair]:
    """A function that compares the texts of two ids, and remembers what it found."""

    @lru_cache(maxsize=OPEN_SHARDS)
    def texts(key: str) -> pa.ChunkedArray:
        return pq.read_table(shard_path(key, settings), columns=["text"], partitioning=None)["text"]

    def text(identity: str) -> str:
        place = places[identity]
        return str(texts(place.shard)[place.row].as_py())

    @cache
    def ordered(a: str, b: str) -> Pair:
        return duplicates.compare(text(a), text(b))

    return lambda a, b: ordered(a, b) if a < b else ordered(b, a)
