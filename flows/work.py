"""What one worker does: `process(shard)`. Paths in, counts out; it knows nothing of Prefect.

A shard's file is written to a temporary name and then renamed: present means done.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b, sha256
from io import BufferedIOBase
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Protocol, cast

import pyarrow as pa
import pyarrow.parquet as pq

from cleaners.decode import sound
from cleaners.edits import Edit, text_starts
from cleaners.fingerprint import digest, sketch, words
from cleaners.model import Article, DateMention, Knowledge, Origin, PersonMention, Raw, Reject
from cleaners.pipeline import refine
from flows import knowledge as tables
from flows.plan import HEALABLE, Member, Shard, part_digest, read_sidecar, real_path, shard_path, sidecar_bytes
from flows.readers import READERS, Context, Records, media_kind, opened
from flows.schema import BAND_NAMES, SHARD
from flows.settings import Settings

logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # what it says of a page is in our rejects

BATCH = 1_000
"""Records held in memory before they are written, sorted by id: some ten megabytes."""
ROW_GROUP = 50
"""Rows in a row group of a shard: small, so that a reader of some ids skips most of the file."""

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a shard."""

    key: str
    records: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    """How many records were rejected for which reason."""
    bugs: tuple[str, ...] = ()
    """Descriptions of errors that are ours; they turn the run red."""

    @property
    def articles(self) -> int:
        """Records that became articles."""
        return self.records - self.rejects.total()


@dataclass(frozen=True, slots=True)
class Given:
    """Records that killed their worker twice, with the reject that each becomes."""

    up: tuple[Reject, ...] = ()

    def reject(self, origin: Origin) -> Reject | None:
        """The reject for a record that was given up, None for any other."""
        return next((reject for reject in self.up if reject.origin == origin), None)


def record_id(origin: Origin) -> str:
    """32 hex digits, a hash of the path and the physical record number."""
    return blake2b(f"{origin.path}\0{origin.record}".encode(), digest_size=16).hexdigest()


class Watch(Protocol):
    """Who watches over a worker: told when a record is begun, and when it is done."""

    def begin(self, origin: Origin) -> None:
        """A record was read and is about to be cleaned."""

    def end(self) -> None:
        """It is done; what comes next is reading or writing."""


class Unwatched:
    """Nobody watches."""

    def begin(self, origin: Origin) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""


UNWATCHED = Unwatched()
NOTHING_GIVEN_UP = Given()


def process(shard: Shard, settings: Settings, given: Given = NOTHING_GIVEN_UP, watch: Watch = UNWATCHED) -> Report:
    """Clean every record of `shard` and write the rows.

    Raises:
        OSError: if the output cannot be written.
    """
    known = tables.load(settings)
    fingerprint = tables.cleaning_fingerprint(settings)
    target = shard_path(shard.key, settings)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".tmp-{shard.key}-{os.getpid()}")
    tally = _Tally(shard.key)
    outcomes = (_outcome(record, known, given, watch, tally) for member in shard.members
                for record in _read(member, settings))  # fmt: skip
    try:
        with pq.ParquetWriter(temporary, SHARD, compression="zstd", compression_level=3) as writer:
            while batch := [row(outcome, known, fingerprint) for outcome in islice(outcomes, BATCH)]:
                rows = pa.Table.from_pylist(batch, schema=SHARD).sort_by("id")
                writer.write_table(rows, row_group_size=ROW_GROUP)
            if tally.environmental:
                writer.add_key_value_metadata({HEALABLE: str(tally.environmental).encode()})
        _synced(temporary)
        temporary.rename(target)
    finally:
        temporary.unlink(missing_ok=True)
    return tally.report()


def _read(member: Member, settings: Settings) -> Records:
    """As `read`; an error of ours in a reader is a reject too, and says where it happened."""
    after = _After(member)
    try:
        yield from after.each(read(member, settings))
    except Exception as error:  # noqa: BLE001 - one file must not take its neighbours along; the run turns red
        yield bug(after.origin, error)


def read(member: Member, settings: Settings) -> Records:
    """The records of a member, in physical order. Never raises for what stands in the file."""
    entry, after = real_path(member.path, settings), _After(member)
    try:
        sidecar = sidecar_bytes(entry) if member.sidecar_sha256 else None
        if part_digest(entry, member.part) == member.part.sha256 and _digest(sidecar) == member.sidecar_sha256:
            yield from after.each(_records(member, entry, sidecar, settings))
        else:
            changed = "the file changed after the run began"
            yield Reject(after.origin, "read", "changed-while-read", changed, environmental=True)
    except OSError as error:
        yield Reject(after.origin, "read", "unreadable", f"{error.strerror or error}", environmental=True)


def _digest(data: bytes | None) -> str | None:
    return None if data is None else sha256(data).hexdigest()


def _records(member: Member, entry: Path, sidecar: bytes | None, settings: Settings) -> Records:
    said, flags = read_sidecar(sidecar)
    context = Context(member.path, member.ingest_date, said, flags, member.part.first, settings.record_bytes)
    with opened(entry) as stream:
        whole = member.part.size < 0
        window = stream if whole else _Window(cast("BufferedIOBase", stream), member.part.offset, member.part.size)
        yield from READERS[media_kind(entry.name) or ""](cast("BinaryIO", window), context)


class _After:
    """The place behind the last record that was read, where a failure is recorded."""

    def __init__(self, member: Member) -> None:
        self.origin = Origin(member.path, member.part.first)

    def each(self, records: Records) -> Records:
        """The records; the place moves on with each."""
        for record in records:
            self.origin = Origin(record.origin.path, record.origin.record + 1)
            yield record


class _Window:
    """`size` bytes of a stream, from `offset` on."""

    def __init__(self, stream: BufferedIOBase, offset: int, size: int) -> None:
        self._stream, self._left = stream, size
        if offset:
            stream.seek(offset)

    def read1(self, size: int) -> bytes:
        """Up to `size` bytes of the range."""
        if not self._left:
            return b""
        block = self._stream.read1(min(size, self._left))
        self._left -= len(block)
        return block


@dataclass(slots=True)
class _Tally:
    """Counts, while a shard is worked on."""

    key: str
    records: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)
    environmental: int = 0

    def report(self) -> Report:
        return Report(self.key, self.records, self.rejects, tuple(self.bugs))


def _outcome(record: Raw | Reject, known: Knowledge, given: Given, watch: Watch, tally: _Tally) -> Article | Reject:
    watch.begin(record.origin)
    outcome = given.reject(record.origin) or (refined(record, known) if isinstance(record, Raw) else record)
    watch.end()
    tally.records += 1
    if isinstance(outcome, Reject):
        tally.rejects[outcome.reason] += 1
        tally.environmental += outcome.environmental
        if outcome.reason == "internal-error":
            tally.bugs.append(f"{outcome.origin.path}, record {outcome.origin.record}: {outcome.detail}")
    return outcome


def refined(raw: Raw, known: Knowledge) -> Article | Reject:
    """The record refined; an error of ours becomes a reject that says where it happened."""
    try:
        return refine(raw, known)
    except Exception as error:  # noqa: BLE001 - one record must not take its neighbours along; the run turns red
        return bug(raw.origin, error)


def bug(origin: Origin, error: Exception) -> Reject:
    """The reject for a record at which copydesk itself failed."""
    where = traceback.extract_tb(error.__traceback__)[-1]
    detail = f"{type(error).__name__}: {error} ({Path(where.filename).name}:{where.lineno})"
    return Reject(origin, "work", "internal-error", sound(detail)[0][:1000])


def _synced(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


# ── rows ────────────────────────────────────────────────────────────────────────────────────


def row(outcome: Article | Reject, known: Knowledge, fingerprint: str) -> Row:
    """The row of a shard for an article or a reject."""
    if isinstance(outcome, Reject):
        return _reject_row(outcome) | {"cleaning_fingerprint": fingerprint}
    families = {rule.id: rule.family for rule in known.rules}
    edits = {"edits": edit_rows(outcome.edits, families), "cleaning_fingerprint": fingerprint}
    return _article_row(outcome) | edits | _fingerprint_row(outcome.text)


def _reject_row(reject: Reject) -> Row:
    return {
        "id": record_id(reject.origin),
        "source_path": reject.origin.path,
        "source_record": reject.origin.record,
        "reject": {
            "stage": reject.stage,
            "reason": reject.reason,
            "detail": reject.detail,
            "environmental": reject.environmental,
            "payload": reject.payload,
        },
    }


def _article_row(article: Article) -> Row:
    published = article.published
    source, raw = article.published_stated or (None, None)
    return {
        "id": record_id(article.origin),
        "text": article.text,
        "title": article.title,
        "title_raw": article.title_raw,
        "title_source": article.title_source,
        "authors": [{"name": a.name, "raw": a.raw, "organization": a.organization} for a in article.authors],
        "published_at": published.value if published else None,
        "published_precision": published.precision if published else None,
        "published_raw": published.raw if published else raw,
        "published_source": published.source if published else source,
        "language": article.language.code,
        "language_confidence": article.language.confidence,
        "language_method": article.language.method,
        "url": article.url,
        "canonical_url": article.canonical_url,
        "site": article.site,
        "word_count": article.word_count,
        "text_sha256": sha256(article.text.encode()).hexdigest(),
        "source_path": article.origin.path,
        "source_record": article.origin.record,
        "source_record_id": article.source_record_id,
        "source_metadata": article.source_metadata,
        "media_type": article.media_type,
        "charset": article.charset,
        "extractor": article.extractor,
        "fetched_at": article.fetched_at,
        "flags": sorted(set(article.flags)),
        "mentions": [_mention_row(mention) for mention in article.mentions],
        "reject": None,
    }


def edit_rows(edits: Sequence[Edit], families: Mapping[str, str]) -> list[Row]:
    """The edits as rows of the table `edits`, without id and seq."""
    return [
        {
            "start": edit.start,
            "end": edit.end,
            "old": edit.old,
            "new": edit.new,
            "rules": list(edit.rules),
            "family": family(edit.rules, families),
            "text_start": start,
        }
        for edit, start in zip(edits, text_starts(edits), strict=True)
    ]


PLAIN = ("characters", "layout")
"""Families that change how text is written, not what it says."""


def family(rules: Sequence[str], families: Mapping[str, str]) -> str:
    """The family of the first rule that removes, else of the first rule.

    A rule of the code, which has no entry in `families`, belongs to what stands before its dot.
    """
    found = [families.get(rule, rule.partition(".")[0]) for rule in rules]
    return next((name for name in found if name not in PLAIN), found[0])


def _mention_row(mention: PersonMention | DateMention) -> Row:
    common: Row = {
        "start": mention.start,
        "end": mention.end,
        "surface": mention.surface,
        "value": mention.value,
        "method": mention.method,
    }
    if isinstance(mention, PersonMention):
        return common | {"kind": "person", "key": mention.key}
    return common | {
        "kind": "date",
        "key": mention.value,
        "precision": mention.precision,
        "anchor": mention.anchor,
        "anchored": mention.anchored,
        "earliest": mention.earliest,
        "latest": mention.latest,
    }


def _fingerprint_row(text: str) -> Row:
    found = words(text)
    return {"words_digest": digest(found)} | dict(zip(BAND_NAMES, sketch(found), strict=True))
