"""Generations: build, check, switch, keep.

Every state of the dataset is a folder below `.generations/`, complete and never changed once it
has its name; `current` is one symbolic link to the newest. A reader sees a whole state or none.

    .generations/.tmp-*        what is being built
    .generations/000007-ab12…  rename: the state exists
    current -> …               replace: the state is published
"""

from __future__ import annotations

import fcntl
import filecmp
import json
import os
import re
import shutil
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, date, datetime
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cleaners.duplicates import Decision
from flows import schema
from flows.dedupe import accepted, decide, rows_of
from flows.knowledge import versions
from flows.plan import Input, Part, Plan, Skipped, file_sha256
from flows.settings import Settings

ROW_GROUP = 5_000
"""Rows in a row group: small enough to read one article cheaply, large enough to compress."""
PASS_ROWS = 10_000
"""Rows of a partition held in memory at a time: reckoned at 350 MB, from 210 MB for 6,078 articles."""
KEEP_SECONDS = 24 * 3600
"""A generation younger than this is kept: somebody may still be reading it."""
MANIFEST = "manifest.json"


_NAME = re.compile(r"\d{6,}-[0-9a-f]{16}")


class PublishError(RuntimeError):
    """Nothing was published; the message says why."""


class LockedError(RuntimeError):
    """Another run is at work on the same output."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """A file of a table, as the manifest names it."""

    path: str
    """Below the generation."""
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Published:
    """What `publish` did."""

    generation: str
    is_new: bool
    partitions: tuple[str, ...]
    """The days whose files changed."""
    counts: Mapping[str, int]


# ── the output folder ───────────────────────────────────────────────────────────────────────


@contextmanager
def locked(settings: Settings) -> Iterator[None]:
    """Hold the output folder for one run.

    Raises:
        LockedError: if another run holds it, saying which.
        PublishError: if the folder cannot be written to.
    """
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
        lock = (settings.out / ".lock").open("a+")
    except OSError as error:
        raise PublishError(
            f"cannot write to {settings.out}: {error.strerror}; choose another folder with --out"
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise LockedError(
                f"{settings.out} is in use by {lock.read().strip() or 'another run'}; wait for it"
            ) from error
        lock.seek(0)
        lock.truncate()
        lock.write(
            f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC\n"
        )
        lock.flush()
        sweep(settings)
        yield


def sweep(settings: Settings) -> None:
    """Remove what a killed run left behind: temporary folders and files."""
    links = [settings.out / f".tmp-{name}" for name in ("current", *schema.TABLES)]
    folders = [settings.out / name for name in (".generations", ".shards", "runs")]
    for leftover in (*links, *(entry for folder in folders for entry in folder.glob(".tmp-*"))):
        if leftover.is_dir() and not leftover.is_symlink():
            shutil.rmtree(leftover)
        else:
            leftover.unlink(missing_ok=True)


def current(settings: Settings) -> Path | None:
    """The folder of the published generation, None before the first.

    Where the link is lost, or a run was killed before it made the first one, the newest
    generation is meant: it was complete when it got its name.
    """
    link = settings.out / "current"
    if link.is_symlink() and link.exists():
        return link.resolve(strict=True)
    return next((entry.resolve() for entry in reversed(generations(settings))), None)


def manifest(generation: Path) -> dict[str, Any]:
    """The manifest of a generation.

    Raises:
        PublishError: if it cannot be read, or is not one.
    """
    try:
        found: dict[str, Any] = json.loads((generation / MANIFEST).read_text(encoding="utf-8"))
        _check_shape(found)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise PublishError(
            f"{generation / MANIFEST} is damaged ({type(error).__name__}: {error}); "
            "point `current` to an older generation, or remove this one"
        ) from error
    return found


def _check_shape(found: Mapping[str, Any]) -> None:
    """Raise what Python raises if a manifest lacks something that the rest of the code takes for granted."""
    for entry in found["inputs"]:
        _input(entry)
    for table in schema.TABLES:
        for entry in found["tables"][table]:
            TableFile(**entry)
    for entry in found["skipped"]:
        Skipped(**entry)
    for name in ("partitions", "counts", "totals", "versions"):
        found[name].items()


def accepted_inputs(settings: Settings) -> dict[str, Input]:
    """The inputs of the published generation, by path."""
    generation = current(settings)
    entries = manifest(generation)["inputs"] if generation else ()
    return {entry["path"]: _input(entry) for entry in entries}


def _input(entry: Mapping[str, Any]) -> Input:
    parts = tuple(Part(**part) for part in entry["parts"])
    return Input(**{**entry, "ingest_date": date.fromisoformat(entry["ingest_date"]), "parts": parts})


# ── publish ─────────────────────────────────────────────────────────────────────────────────


def publish(plan: Plan, settings: Settings) -> Published:
    """Make the generation that `plan` describes and switch to it, unless it is the current one.

    Raises:
        PublishError: if the counts do not add up or the output cannot be written.
    """
    try:
        _link_tables(settings)
        return _publish(plan, settings)
    except pa.ArrowInvalid as error:
        raise PublishError(f"a file in {settings.out / '.shards'} is damaged ({error}); remove that folder") from error
    except OSError as error:
        raise PublishError(
            f"cannot write to {settings.out}: {error.strerror or error}; nothing was published"
        ) from error
    finally:
        sweep(settings)


def _publish(plan: Plan, settings: Settings) -> Published:
    build = _begin(plan, settings)
    damaged = _damaged(build, plan)
    files, digests, counts, changed = _Files(), dict[str, str](), dict[str, Counter[str]](), list[str]()
    for day, inputs in _partitions(plan.inputs).items():
        digests[day] = _partition_digest(inputs, build.decision, settings)
        if build.known["partitions"].get(day) == digests[day] and day not in damaged:
            files |= _linked(day, build)
        else:
            files |= _built(day, inputs, replace(build, before=None) if day in damaged else build)
            changed.append(day)
        counts[day] = _counted(day, inputs, settings, files)
    content = _manifest(plan, settings, files, digests, counts)
    _check(content["counts"])
    if build.before and content == build.known and not damaged:
        _point(settings.out / "current", Path(".generations") / build.before.name)
        return Published(build.before.name, is_new=False, partitions=(), counts=content["totals"])
    generation = _commit(build.folder, content, settings)
    _keep(settings)
    return Published(generation.name, is_new=True, partitions=tuple(changed), counts=content["totals"])


@dataclass(frozen=True, slots=True)
class _Build:
    """A generation in the making."""

    folder: Path
    before: Path | None
    """The generation that is current meanwhile."""
    known: Mapping[str, Any]
    """Its manifest."""
    decision: Decision
    settings: Settings


def _damaged(build: _Build, plan: Plan) -> frozenset[str]:
    """The days of the current generation of which a table file is not what was published.

    Every run sees a file that is missing or has another size; a run that cleans everything
    anew (`--reprocess all`) reads them all.
    """
    files = (TableFile(**entry) for entries in build.known["tables"].values() for entry in entries)
    return frozenset(_day(file) for file in files if not _is_intact(file, cast("Path", build.before), plan))


def _is_intact(file: TableFile, generation: Path, plan: Plan) -> bool:
    path = generation / file.path
    if not path.is_file() or path.stat().st_size != file.bytes:
        return False
    return not plan.thorough or file_sha256(path) == file.sha256


def _day(file: TableFile) -> str:
    return file.path.split("/")[1].removeprefix("ingest_date=")


def _begin(plan: Plan, settings: Settings) -> _Build:
    before = current(settings)
    known: Mapping[str, Any] = manifest(before) if before else {"partitions": {}, "tables": {}}
    folder = settings.out / ".generations" / f".tmp-{os.getpid()}"
    folder.mkdir(parents=True)
    return _Build(folder, before, known, decide(plan.inputs, settings), settings)


_Files = dict[tuple[str, str], TableFile]
"""The file of each table and day."""


def _partitions(inputs: Iterable[Input]) -> dict[str, list[Input]]:
    found = defaultdict[str, list[Input]](list)
    for entry in inputs:
        found[entry.ingest_date.isoformat()].append(entry)
    return {day: found[day] for day in sorted(found)}


def _partition_digest(inputs: Sequence[Input], decision: Decision, settings: Settings) -> str:
    """Changes whenever a row of the partition could change."""
    shards = accepted(inputs)
    rows = pa.concat_tables(
        rows_of(key, paths, settings, ("id", "source_path", "reject")) for key, paths in shards.items()
    )
    ids = set(rows["id"].to_pylist())
    failed = rows.filter(_is_environmental(rows)).select(["id", "reject"]).to_pylist()
    said = [
        sorted((row["id"], row["reject"]["reason"], row["reject"]["detail"]) for row in failed),
        sorted((identity, *astuple(decision.duplicates[identity])) for identity in ids & decision.duplicates.keys()),
        sorted(ids & decision.shared_urls),
        [astuple(overlap) for overlap in decision.overlaps if overlap.id in ids],
        [(entry.path, entry.sha256, entry.fingerprint) for entry in inputs],
    ]
    return digest_of([schema.VERSION, pa.__version__, sorted(shards), said])


def _is_environmental(rows: pa.Table) -> pa.ChunkedArray:
    """Of each row of a shard whether it is a reject that another run may heal."""
    return pc.fill_null(pc.struct_field(rows["reject"], "environmental"), fill_value=False)


def _counted(day: str, inputs: Sequence[Input], settings: Settings, files: _Files) -> Counter[str]:
    """The rows of each table, and the records read, counted in the shards."""
    read = sum(rows_of(key, paths, settings, ("source_path",)).num_rows for key, paths in accepted(inputs).items())
    return Counter({"read": read} | {table: files[table, day].rows for table in schema.TABLES})


def _check(counts: Mapping[str, Mapping[str, int]]) -> None:
    """The promise that nothing is lost: read == articles + duplicates + rejects, for every day."""
    for day, count in counts.items():
        if count["read"] != count["articles"] + count["duplicates"] + count["rejects"]:
            raise PublishError(f"the counts of {day} do not add up: {dict(count)}; nothing was published")


def _with_retries(inputs: Sequence[Input], settings: Settings) -> tuple[Input, ...]:
    """The inputs, those marked of which something in the surroundings made a record fail."""
    failed = set[str]()
    for key, paths in accepted(inputs).items():
        table = rows_of(key, paths, settings, ("source_path", "reject"))
        failed.update(table.filter(_is_environmental(table))["source_path"].to_pylist())
    return tuple(replace(entry, retry=entry.path in failed) for entry in inputs)


def _manifest(
    plan: Plan,
    settings: Settings,
    files: _Files,
    digests: Mapping[str, str],
    counts: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """Everything that is to be known of a generation; nothing of the run that made it."""
    totals = sum((Counter(count) for count in counts.values()), Counter[str]())
    content: dict[str, Any] = {
        "schema_version": schema.VERSION,
        "totals": {name: totals[name] for name in ("read", *schema.TABLES)},
        "counts": {day: {name: counts[day][name] for name in ("read", *schema.TABLES)} for day in sorted(counts)},
        "settings": {"near_threshold": settings.near_threshold, "prefer": list(settings.prefer)},
        "versions": versions() | {"pyarrow": pa.__version__},
        "partitions": dict(sorted(digests.items())),
        "tables": {table: [asdict(files[table, day]) for day in sorted(digests)] for table in schema.TABLES},
        "inputs": [_plain(entry) for entry in _with_retries(plan.inputs, settings)],
        "skipped": [asdict(entry) for entry in plan.skipped],
    }
    content["digest"] = digest_of(_without_places(content))
    return content | {"checksum": digest_of(content)}


def _without_places(content: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest without what depends on how files were grouped into shards."""
    inputs = [{name: value for name, value in entry.items() if name != "parts"} for entry in content["inputs"]]
    return {name: value for name, value in content.items() if name != "partitions"} | {"inputs": inputs}


def _plain(entry: Input) -> dict[str, Any]:
    """An input as JSON can say it."""
    parts = [asdict(part) for part in entry.parts]
    return asdict(entry) | {"ingest_date": entry.ingest_date.isoformat(), "parts": parts}


def digest_of(value: object) -> str:
    """The digest of something JSON can hold, in hex."""
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def _commit(folder: Path, content: Mapping[str, Any], settings: Settings) -> Path:
    """Write the manifest, give the folder its name, and point `current` to it."""
    path = folder / MANIFEST
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for entry in (path, *(Path(parent) for parent, _, _ in os.walk(folder, topdown=False))):
        _sync(entry)
    number = 1 + max((int(name.name.split("-")[0]) for name in generations(settings)), default=0)
    generation = folder.rename(folder.with_name(f"{number:06}-{content['digest'][:16]}"))
    _sync(generation.parent)
    _point(settings.out / "current", Path(".generations") / generation.name)
    _sync(settings.out)
    return generation


def _link_tables(settings: Settings) -> None:
    """The fixed links to the tables of whatever is current."""
    for table in schema.TABLES:
        link, target = settings.out / table, Path("current") / table
        if link.exists() and not link.is_symlink():
            raise PublishError(f"{link} is in the way of the link to the table; nothing was published")
        if not link.is_symlink() or link.readlink() != target:
            _point(link, target)


def _point(link: Path, target: Path) -> None:
    """Make `link` point to `target` in one step."""
    temporary = link.with_name(f".tmp-{link.name}")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def generations(settings: Settings) -> list[Path]:
    """All complete generations, oldest first."""
    folder = settings.out / ".generations"
    found = [entry for entry in folder.iterdir() if _NAME.fullmatch(entry.name)] if folder.is_dir() else []
    return sorted(found, key=lambda entry: int(entry.name.split("-")[0]))


def _keep(settings: Settings) -> None:
    """Remove generations that are neither among the last ones nor young nor current."""
    for generation in generations(settings)[: -settings.keep_generations]:
        is_old = time.time() - generation.stat().st_mtime > KEEP_SECONDS
        if is_old and generation != current(settings):
            shutil.rmtree(generation)


# ── tables ──────────────────────────────────────────────────────────────────────────────────


def _linked(day: str, build: _Build) -> _Files:
    """The files of an unchanged partition, as hard links."""
    files = _Files()
    for table in schema.TABLES:
        entry = next(TableFile(**e) for e in build.known["tables"][table] if f"/ingest_date={day}/" in e["path"])
        (build.folder / entry.path).parent.mkdir(parents=True)
        os.link(cast("Path", build.before) / entry.path, build.folder / entry.path)
        files[table, day] = entry
    return files


def _built(day: str, inputs: Sequence[Input], build: _Build) -> _Files:
    """The files of one partition, written table by table, some rows at a time."""
    fingerprints = ",".join(sorted({entry.fingerprint for entry in inputs}))
    writers = {table: _Writer(table, day, build.folder, fingerprints) for table in schema.TABLES}
    rejects = [schema.REJECTS.empty_table()]
    for rows in _passes(inputs, build.settings):
        for table, part in _tables(rows, inputs, build.decision).items():
            if table == "rejects":
                rejects.append(part)
            else:
                writers[table].write(part)
    writers["rejects"].write(_in_order(pa.concat_tables(rejects), "rejects"))
    return {(table, day): writer.close(build.before) for table, writer in writers.items()}


def _passes(inputs: Sequence[Input], settings: Settings) -> Iterator[pa.Table]:
    """The rows of a partition in the order of ids, at most about PASS_ROWS at a time."""
    shards = accepted(inputs)
    total = sum(rows_of(key, paths, settings, ("source_path",)).num_rows for key, paths in shards.items())
    count = max(1, -(-total // PASS_ROWS))
    edges = ["", *(f"{(number << 32) // count:08x}" for number in range(1, count)), "g"]
    columns = [field.name for field in schema.SHARD if field.name not in schema.BAND_NAMES]
    nothing = schema.SHARD.empty_table().select(columns)
    for ids in pairwise(edges):
        parts = [rows_of(key, paths, settings, columns, ids) for key, paths in shards.items()]
        yield pa.concat_tables([nothing, *parts]).combine_chunks().sort_by("id")


def _tables(rows: pa.Table, inputs: Sequence[Input], decision: Decision) -> dict[str, pa.Table]:
    """The rows of shards as rows of the six tables."""
    sources = {entry.path: entry.sha256 for entry in inputs}
    digests = pa.array([sources[path] for path in rows["source_path"].to_pylist()], pa.string())
    rows = rows.append_column("source_sha256", digests)
    rejected = pc.is_valid(rows["reject"])
    documents = _flagged(rows.filter(pc.invert(rejected)), decision)
    found = [decision.duplicates.get(identity) for identity in documents["id"].to_pylist()]
    copies = pa.array([duplicate is not None for duplicate in found], pa.bool_())
    ids = set(documents["id"].to_pylist())
    return {
        "articles": _cast(documents.filter(pc.invert(copies)), "articles"),
        "duplicates": _cast(_with_survivor(documents.filter(copies), [d for d in found if d]), "duplicates"),
        "edits": _cast(_exploded(documents, "edits"), "edits"),
        "mentions": _cast(_exploded(documents, "mentions"), "mentions"),
        "overlaps": pa.Table.from_pylist(
            [asdict(o) for o in decision.overlaps if o.id in ids], schema=schema.OVERLAPS
        ).sort_by([("id", "ascending"), ("other_id", "ascending")]),
        "rejects": _cast(_rejects(rows.filter(rejected)), "rejects"),
    }


def _flagged(documents: pa.Table, decision: Decision) -> pa.Table:
    """The articles with the flag that only the whole dataset can give."""
    flags = [
        sorted({*found, "url-shared"}) if identity in decision.shared_urls else found
        for identity, found in zip(documents["id"].to_pylist(), documents["flags"].to_pylist(), strict=True)
    ]
    place = documents.schema.get_field_index("flags")
    return documents.set_column(place, "flags", pa.array(flags, pa.list_(pa.string())))


def _with_survivor(documents: pa.Table, found: Sequence[Any]) -> pa.Table:
    columns = {"duplicate_of": "of", "duplicate_kind": "kind", "similarity": "similarity"}
    for name, attribute in columns.items():
        kind = schema.DUPLICATES.field(name).type
        documents = documents.append_column(name, pa.array([getattr(d, attribute) for d in found], kind))
    return documents


def _exploded(documents: pa.Table, column: str) -> pa.Table:
    """A list column of structs as a table of its own, with the id and a running number."""
    lists = documents[column].combine_chunks()
    if isinstance(lists, pa.ChunkedArray):
        lists = pa.concat_arrays(lists.chunks) if lists.num_chunks else pa.array([], lists.type)
    parents = pc.list_parent_indices(lists)
    flat = pa.Table.from_struct_array(lists.flatten())
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_pylist()
    numbers = pa.array([number for length in lengths for number in range(length)], pa.int32())
    return flat.append_column("id", documents["id"].take(parents)).append_column("seq", numbers)


def _rejects(rows: pa.Table) -> pa.Table:
    """The rejects with their reasons."""
    reject = rows["reject"].combine_chunks()
    for name in ("stage", "reason", "detail", "environmental", "payload"):
        rows = rows.append_column(name, pc.struct_field(reject, name))
    return rows


def _in_order(table: pa.Table, name: str) -> pa.Table:
    return table.sort_by([(column, "ascending") for column in schema.SORTED_BY[name]])


def _cast(table: pa.Table, name: str) -> pa.Table:
    wanted = schema.TABLES[name]
    return table.select(wanted.names).cast(wanted)


class _Writer:
    """Writes one table of one partition to a temporary name; the digest of the bytes becomes its name."""

    def __init__(self, table: str, day: str, folder: Path, fingerprints: str) -> None:
        self._folder, self._place = folder, Path(table) / f"ingest_date={day}"
        (folder / self._place).mkdir(parents=True)
        self._path = folder / self._place / ".tmp-part"
        wanted = schema.TABLES[table].with_metadata(
            {"copydesk.schema_version": str(schema.VERSION), "copydesk.cleaning_fingerprint": fingerprints}
        )
        self._rows = 0
        self._waiting = wanted.empty_table()
        names = wanted.names
        self._writer = pq.ParquetWriter(
            self._path,
            wanted,
            compression="zstd",
            compression_level=6,
            use_dictionary=[name for name in _leaves(wanted) if name.split(".")[0] in schema.LOW_CARDINALITY],
            write_statistics=[name for name in _leaves(wanted) if name not in schema.WITHOUT_STATISTICS],
            write_page_index=True,
            write_page_checksum=True,
            sorting_columns=[pq.SortingColumn(names.index(name)) for name in schema.SORTED_BY[table]],
        )
        self._schema = wanted

    def write(self, rows: pa.Table) -> None:
        """Add rows; they are written in row groups of a fixed size, however they come."""
        self._waiting = pa.concat_tables([self._waiting, rows.cast(self._schema)])
        while self._waiting.num_rows >= ROW_GROUP:
            self._flush(ROW_GROUP)

    def close(self, before: Path | None) -> TableFile:
        """Write the rest and give the file its name. If `before` has the same file, link to that."""
        if self._waiting.num_rows or not self._rows:
            self._flush(self._waiting.num_rows)
        self._writer.close()
        _sync(self._path)
        digest = file_sha256(self._path)
        place = self._place / f"part-{digest[:16]}.parquet"
        target = self._path.rename(self._folder / place)
        if before and (before / place).exists() and filecmp.cmp(before / place, target, shallow=False):
            target.unlink()
            os.link(before / place, target)
        return TableFile(place.as_posix(), self._rows, target.stat().st_size, digest)

    def _flush(self, count: int) -> None:
        group = self._waiting.slice(0, count).combine_chunks()
        self._writer.write_table(_fresh(group), row_group_size=ROW_GROUP)
        self._waiting = self._waiting.slice(count)
        self._rows += count


def _fresh(table: pa.Table) -> pa.Table:
    """The same rows in new memory: a slice and its copy give different bytes."""
    return pa.concat_tables([table]).take(pa.array(range(table.num_rows), pa.int64()))


def _leaves(wanted: pa.Schema) -> list[str]:
    """The Parquet paths of the leaf columns."""
    empty = pa.BufferOutputStream()
    pq.write_table(wanted.empty_table(), empty)
    found = pq.ParquetFile(pa.BufferReader(empty.getvalue())).schema
    return [found.column(number).path for number in range(len(found.names))]
