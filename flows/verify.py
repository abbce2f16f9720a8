"""`copydesk verify`: does the published state still say the truth?

Every file against its digest, every count against the rows, every raw file against what was
read, every article against its source: text plus edits must give the source text again, and
the source text must be what is in the raw file.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cleaners.edits import Edit, EditMismatchError, apply, revert, text_starts
from cleaners.extract import extract
from cleaners.model import Raw, Reject
from flows import publish, schema
from flows.knowledge import versions
from flows.plan import Input, Member, file_sha256, real_path, sidecar_path
from flows.settings import Settings
from flows.work import read, record_id

Finding = str
"""One line: what is wrong, where, and what it means."""


def verify(settings: Settings) -> Iterator[Finding]:
    """Everything that is wrong with the published generation; nothing if all is well.

    Raises:
        publish.PublishError: if nothing is published.
    """
    generation = publish.current(settings)
    if generation is None:
        raise publish.PublishError(f"nothing is published in {settings.out} yet; run `copydesk ingest`")
    try:
        manifest = publish.manifest(generation)
    except publish.PublishError as error:
        yield f"manifest: {error}"
        return
    yield from _manifest(manifest, generation)
    yield from _files(manifest, generation)
    yield from _counts(manifest)
    inputs = {path: entry for path, entry in publish.accepted_inputs(settings).items() if not entry.gone}
    yield from _raw_files(inputs, settings)
    for day in sorted(manifest["partitions"]):
        yield from _articles(day, generation, inputs, settings, manifest)


def note(settings: Settings) -> Iterator[str]:
    """What `verify` could not look at, and why."""
    generation = publish.current(settings)
    gone = sum(entry.gone for entry in publish.accepted_inputs(settings).values())
    if gone:
        yield f"note: {gone} raw files are gone; their articles could not be compared with them"
    if generation and not _same_versions(publish.manifest(generation)):
        yield "note: other versions of Python or the libraries made this generation; raw files were not extracted again"


def _same_versions(manifest: Mapping[str, Any]) -> bool:
    return bool(manifest["versions"].items() >= versions().items())


def _manifest(manifest: Mapping[str, Any], generation: Path) -> Iterator[Finding]:
    said = {name: value for name, value in manifest.items() if name != "checksum"}
    named = generation.name.endswith(str(manifest.get("digest"))[:16])
    if not named or publish.digest_of(said) != manifest.get("checksum"):
        yield f"manifest: {generation / publish.MANIFEST} was changed after it was published"


def _files(manifest: Mapping[str, Any], generation: Path) -> Iterator[Finding]:
    """Each file of each table: there, with its digest, with as many rows as the manifest says."""
    known = {entry["path"]: entry for files in manifest["tables"].values() for entry in files}
    for path, entry in sorted(known.items()):
        try:
            digest = file_sha256(generation / path)
        except OSError as error:
            yield f"table file: {path} cannot be read: {error.strerror}"
            continue
        if digest != entry["sha256"]:
            yield f"table file: {path} is not the file that was published (its digest differs)"
        if (rows := _row_count(generation / path)) != entry["rows"]:
            has = "no readable" if rows is None else str(rows)
            yield f"table file: {path} has {has} rows, the manifest says {entry['rows']}"
    present = {entry.relative_to(generation).as_posix() for entry in generation.rglob("*.parquet")}
    yield from (f"table file: {path} does not belong to the generation" for path in sorted(present - known.keys()))


def _row_count(path: Path) -> int | None:
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowInvalid, OSError):
        return None


def _counts(manifest: Mapping[str, Any]) -> Iterator[Finding]:
    """The counts against the rows of the files, and against each other."""
    for day, count in manifest["counts"].items():
        rows = {table: _rows_in(manifest, table, day) for table in schema.TABLES}
        for table, number in rows.items():
            if number != count[table]:
                yield f"count: {table} of {day} should be {count[table]} rows, the files have {number}"
        if count["read"] != count["articles"] + count["duplicates"] + count["rejects"]:
            yield f"count: of {count['read']} records read on {day} not each is an article, a duplicate or a reject"
    for name, total in manifest["totals"].items():
        if total != sum(count[name] for count in manifest["counts"].values()):
            yield f"count: the total of {name} is not the sum of its days"


def _rows_in(manifest: Mapping[str, Any], table: str, day: str) -> int:
    return sum(entry["rows"] for entry in manifest["tables"][table] if f"/ingest_date={day}/" in entry["path"])


def _raw_files(inputs: Mapping[str, Input], settings: Settings) -> Iterator[Finding]:
    for path, entry in inputs.items():
        yield from _raw_file(f"raw file: {path}", real_path(path, settings), entry.sha256)
        if entry.sidecar_sha256:
            yield from _raw_file(f"sidecar of {path}", sidecar_path(real_path(path, settings)), entry.sidecar_sha256)


def _raw_file(name: str, path: Path, digest: str) -> Iterator[Finding]:
    try:
        found = file_sha256(path)
    except OSError as error:
        yield f"{name} cannot be read: {error.strerror}"
        return
    if found != digest:
        yield f"{name} is not what was read (its digest differs); `copydesk ingest` reads it again"


def _articles(
    day: str, generation: Path, inputs: Mapping[str, Input], settings: Settings, manifest: Mapping[str, Any]
) -> Iterator[Finding]:
    """Each article and duplicate of a day: text, edits and raw file must agree."""
    try:
        rows = [row for table in ("articles", "duplicates") for row in _table(generation, table, day)]
        edits = defaultdict[str, list[dict[str, Any]]](list)
        for edit in _table(generation, "edits", day):
            edits[edit["id"]].append(edit)
    except (pa.ArrowInvalid, OSError) as error:
        yield f"rows of {day} cannot be read: {error}"
        return
    sources = _sources(day, inputs, settings) if _same_versions(manifest) else {}
    for row in rows:
        yield from _article(row, edits.get(row["id"], []), sources)


def _table(generation: Path, table: str, day: str) -> list[dict[str, Any]]:
    files = sorted((generation / table / f"ingest_date={day}").glob("*.parquet"))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def _article(row: Mapping[str, Any], edits: list[dict[str, Any]], sources: Mapping[str, str]) -> Iterator[Finding]:
    name = f"article {row['id']} ({row['source_path']}, record {row['source_record']})"
    if sha256(row["text"].encode()).hexdigest() != row["text_sha256"]:
        yield f"text: {name}: the text is not the one that was published (its digest differs)"
    found = [Edit(edit["start"], edit["old"], edit["new"], tuple(edit["rules"])) for edit in edits]
    told = [(edit["seq"], edit["end"], edit["text_start"]) for edit in edits]
    if told != [(seq, e.end, at) for seq, (e, at) in enumerate(zip(found, text_starts(found), strict=True))]:
        yield f"edits: {name}: the numbers of the edits do not fit each other"
    try:
        source = revert(row["text"], found)
        fits = apply(source, found) == row["text"]
    except EditMismatchError as error:
        yield f"edits: {name}: text and edits do not fit: {error}"
        return
    if not fits or (row["id"] in sources and sources[row["id"]] != source):
        yield f"edits: {name}: text and edits do not give the source text of the raw file"


def _sources(day: str, inputs: Mapping[str, Input], settings: Settings) -> dict[str, str]:
    """The source text of every record of a day, extracted from the raw files again."""
    found = dict[str, str]()
    for entry in inputs.values():
        for part in entry.parts if entry.ingest_date.isoformat() == day else ():
            member = Member(entry.path, entry.ingest_date, part, entry.sidecar_sha256)
            for record in read(member, settings):
                page = extract(record) if isinstance(record, Raw) else record
                if not isinstance(page, Reject):
                    found[record_id(record.origin)] = page.text
    return found
