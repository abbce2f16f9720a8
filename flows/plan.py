"""Which raw files there are, which day each belongs to, and what has to be done with it.

The plan is made from the files and the last manifest alone: no history, no database.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from hashlib import file_digest, sha256
from itertools import groupby
from pathlib import Path
from typing import BinaryIO, cast

import pyarrow as pa
import pyarrow.parquet as pq

from cleaners.model import Raw
from flows.readers import BROKEN, LINES, READERS, Context, media_kind, metadata, next_block, opened
from flows.settings import Settings

SIDECAR = ".meta.json"
MAX_SIDECAR = 1_000_000
"""Bytes of the largest sidecar that is believed to be one."""
MAX_GONE = 0.05
"""Share of the known files that may be missing before a run stops: more looks like a folder
that is not mounted, and must not publish an empty dataset."""

HASH_BITS = 256
"""Bits of a SHA-256."""

_PATH_DATES = (
    re.compile(r"(?:^|/)(?:[\w-]+=)?(?P<y>(?:19|20)\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?=/)"),
    re.compile(r"(?:^|/)(?P<y>(?:19|20)\d\d)/(?P<m>\d\d)/(?P<d>\d\d)(?=/)"),
)
"""`2024-11-15/`, `date=2024-11-15/`, `2024/11/15/`: folders, never a date in a file's name, which
may be what the article is about."""


HEALABLE = b"copydesk.environmental"
"""In the metadata of a shard of which some record failed for its surroundings."""

_ESCAPE = re.compile(rb"\\(?:\\|x([0-9a-f]{2}))")


class PlanError(RuntimeError):
    """Nothing can be planned; the message says what is wrong and what to do."""


@dataclass(frozen=True, slots=True)
class Part:
    """A range of records of a file: where it stands, and in which shard its rows are."""

    first: int
    """The physical number of its first record."""
    offset: int
    """Bytes of (decompressed) content before it."""
    size: int
    """Its bytes; -1 for the whole file."""
    sha256: str
    shard: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """One raw file as it was accepted: an entry of `inputs` in the manifest."""

    path: str
    sha256: str
    bytes: int
    ingest_date: date
    dated_by: str
    """`path`, `sidecar`, `record` or `mtime`."""
    sidecar_sha256: str | None
    fingerprint: str
    """The cleaning fingerprint it was processed under."""
    parts: tuple[Part, ...]
    gone: bool = False
    """The file is no longer there; its rows stay."""
    retry: bool = False
    """Something in its surroundings failed; the next run tries again."""


@dataclass(frozen=True, slots=True)
class Member:
    """A part of a file, as a worker needs it."""

    path: str
    ingest_date: date
    part: Part
    sidecar_sha256: str | None


@dataclass(frozen=True, slots=True)
class Shard:
    """What one worker does in one go; `key` names its file."""

    key: str
    ingest_date: date
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A directory entry that was not read."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which files a run processes: the days, and what counts as a reason."""

    since: date = date.min
    until: date = date.max
    reprocess: str = "changed-files"
    """`changed-files` (an ingest), `missing`, `changed` (files or fingerprint) or `all`."""

    def wants(self, day: date, status: str) -> bool:
        """Whether a file of that day and status is processed."""
        return self.since <= day <= self.until and status in WANTED[self.reprocess]


WANTED: Mapping[str, frozenset[str]] = {
    "missing": frozenset({"new", "missing"}),
    "changed-files": frozenset({"new", "missing", "changed"}),
    "changed": frozenset({"new", "missing", "changed", "stale"}),
    "all": frozenset({"new", "missing", "changed", "stale", "done"}),
}
"""For each mode the statuses of files that are processed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do, and what the next generation will be made of."""

    inputs: tuple[Input, ...]
    """Everything accepted, old and new, in the order of paths."""
    shards: tuple[Shard, ...]
    """What has to be cleaned first, oldest day first."""
    skipped: tuple[Skipped, ...]
    statuses: Mapping[str, str]
    """Of each file: `new`, `missing` (its results are), `changed`, `stale`, `done` or `gone`."""
    selected: frozenset[str] = field(default=frozenset())
    """The files that this run processes."""
    thorough: bool = False
    """Whether the published files are to be read, and written again where they are damaged."""

    def count(self) -> Counter[str]:
        """How many files have which status."""
        return Counter(self.statuses.values())


def make_plan(
    settings: Settings,
    fingerprint: str,
    accepted: Mapping[str, Input],
    selection: Selection,
    prune: frozenset[str],
) -> Plan:
    """Compare the files under the raw root with those `accepted` before.

    `prune` holds the paths of vanished files that are to be forgotten.

    Raises:
        PlanError: if the raw root cannot be read, or too many known files have vanished.
    """
    found, skipped = scan(settings)
    gone = {path: replace(old, gone=True) for path, old in accepted.items() if path not in found and path not in prune}
    _stop_if_vanished(gone, accepted, settings)
    statuses = {path: _status(new, accepted.get(path), fingerprint, settings) for path, new in found.items()}
    selected = frozenset(path for path, new in found.items() if selection.wants(new.ingest_date, statuses[path]))
    selected |= {path for path, status in statuses.items() if status == "missing"}  # they were published: keep them so
    shards = tuple(_shards((found[path] for path in sorted(selected)), fingerprint, settings))
    fresh = _located(found, selected, shards, fingerprint)
    kept = {path: replace(accepted[path], gone=False) for path in found if path in accepted and path not in selected}
    inputs = tuple(sorted({**gone, **kept, **fresh}.values(), key=lambda entry: entry.path))
    due = shards if selection.reprocess == "all" else tuple(s for s in shards if _is_due(s, accepted, settings))
    return Plan(
        inputs, due, skipped, {**statuses, **dict.fromkeys(gone, "gone")}, selected, selection.reprocess == "all"
    )


def shard_path(key: str, settings: Settings) -> Path:
    """Where the rows of a shard are."""
    return settings.out / ".shards" / f"{key}.parquet"


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex; read in pieces, however large it is."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def sidecar_path(path: Path) -> Path:
    """The sidecar of a raw file: the same name with `.meta.json` behind it."""
    return path.with_name(path.name + SIDECAR)


def real_path(path: str, settings: Settings) -> Path:
    """The raw file for a path as the tables name it."""
    return settings.raw / os.fsdecode(_ESCAPE.sub(_unescaped, path.encode()))


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes.fromhex(match[1].decode()) if match[1] else b"\\"


# ── scan ────────────────────────────────────────────────────────────────────────────────────


def scan(settings: Settings) -> tuple[dict[str, Input], tuple[Skipped, ...]]:
    """Every file under the raw root that has a reader, digested and dated; and what was skipped."""
    check_raw(settings)
    skipped, found = list[Skipped](), dict[str, Input]()
    for path, entry in entries(settings.raw, skipped):
        try:
            found[path] = _input(path, entry, settings)
        except OSError as error:
            skipped.append(Skipped(path, f"unreadable: {error.strerror or error}"))
        except (ValueError, OverflowError) as error:
            skipped.append(Skipped(path, f"cannot be dated: {error}"))
    return found, tuple(sorted(skipped, key=lambda entry: entry.path))


def check_raw(settings: Settings) -> None:
    """Whether there is anything to begin with.

    Raises:
        PlanError: if the raw root is no folder, cannot be read, or is empty.
    """
    try:
        entry = next(settings.raw.iterdir(), None)
    except FileNotFoundError as error:
        raise PlanError(
            f"there is no folder {settings.raw}; name the folder with the scraped files with --raw"
        ) from error
    except NotADirectoryError as error:
        raise PlanError(f"{settings.raw} is not a folder; name the folder with the scraped files with --raw") from error
    except OSError as error:
        raise PlanError(
            f"cannot read the folder {settings.raw}: {error.strerror}; allow it or name another with --raw"
        ) from error
    if settings.out.resolve().is_relative_to(settings.raw.resolve()):
        raise PlanError(f"{settings.out} is inside the raw folder {settings.raw}; choose another with --out")
    if entry is None:
        raise PlanError(f"{settings.raw} is empty; put .txt, .html, .jsonl or .warc files (also .gz) into it")


def entries(root: Path, skipped: list[Skipped]) -> Iterator[tuple[str, Path]]:
    """The files that have a reader, in the order of paths; the others go to `skipped`."""

    def unreadable(error: OSError) -> None:
        skipped.append(Skipped(_name(root, Path(error.filename)), f"unreadable: {error.strerror}"))

    for folder, folders, names in os.walk(root, onerror=unreadable):
        skipped.extend(_links(root, Path(folder), folders))
        hidden = [name for name in folders if name.startswith(".")]
        skipped.extend(Skipped(_name(root, Path(folder, name)), "hidden") for name in hidden)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            entry = Path(folder, name)
            if reason := _reason_to_skip(entry, names):
                skipped.append(Skipped(_name(root, entry), reason))
            elif not name.endswith(SIDECAR):
                yield _name(root, entry), entry


def _links(root: Path, folder: Path, folders: Sequence[str]) -> Iterator[Skipped]:
    return (Skipped(_name(root, folder / name), "link to a folder") for name in folders if (folder / name).is_symlink())


def _reason_to_skip(entry: Path, names: Sequence[str]) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    try:
        mode = entry.lstat().st_mode
    except OSError as error:
        return f"unreadable: {error.strerror}"
    if stat.S_ISLNK(mode):
        return "link"
    if not stat.S_ISREG(mode):
        return "not a file"
    if entry.name.endswith(SIDECAR):
        return _reason_to_skip_sidecar(entry, names)
    return None if media_kind(entry.name) else "no reader for this kind of file"


def _reason_to_skip_sidecar(entry: Path, names: Sequence[str]) -> str | None:
    name = entry.name.removesuffix(SIDECAR)
    if name not in names:
        return "sidecar of no file"
    return "sidecar of a skipped file" if _reason_to_skip(entry.with_name(name), ()) else None


def _name(root: Path, entry: Path) -> str:
    r"""The path below the root; bytes that are not UTF-8 are written as `\xNN`, a backslash twice."""
    relative = os.fsencode(entry.relative_to(root).as_posix())
    return relative.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace")


def _input(path: str, entry: Path, settings: Settings) -> Input:
    size, digest = entry.stat().st_size, file_sha256(entry)
    sidecar = sidecar_bytes(entry)
    day, dated_by = ingest_date(path, entry, sidecar)
    return Input(
        path=path,
        sha256=digest,
        bytes=size,
        ingest_date=day,
        dated_by=dated_by,
        sidecar_sha256=sha256(sidecar).hexdigest() if sidecar is not None else None,
        fingerprint="",
        parts=tuple(_parts(entry, digest, settings)),
    )


def sidecar_bytes(entry: Path) -> bytes | None:
    """The sidecar of a raw file, None if it has none."""
    sidecar = sidecar_path(entry)
    try:
        is_sidecar = stat.S_ISREG(sidecar.lstat().st_mode)
    except OSError:  # there is none, or the name of the file leaves no room for one
        return None
    return sidecar.read_bytes() if is_sidecar else None


def read_sidecar(data: bytes | None) -> tuple[Mapping[str, object] | None, tuple[str, ...]]:
    """What a sidecar says, and a flag if it cannot be understood."""
    if data is None:
        return None, ()
    try:
        said = json.loads(data.decode("utf-8-sig")) if len(data) <= MAX_SIDECAR else None
    except (ValueError, RecursionError):
        said = None
    return (said, ()) if isinstance(said, dict) else (None, ("sidecar-invalid",))


# ── days ────────────────────────────────────────────────────────────────────────────────────


def ingest_date(path: str, entry: Path, sidecar: bytes | None) -> tuple[date, str]:
    """The partition of a file, and what says so: `path`, `sidecar`, `record` or `mtime`."""
    if day := _path_date(path):
        return day, "path"
    if sidecar is not None and (day := _utc_day(metadata(read_sidecar(sidecar)[0] or {}).get("fetched_at"))):
        return day, "sidecar"
    if day := _record_date(entry, path):
        return day, "record"
    return datetime.fromtimestamp(entry.stat().st_mtime, UTC).date(), "mtime"


def _path_date(path: str) -> date | None:
    for pattern in _PATH_DATES:
        for match in pattern.finditer(path):
            try:
                return date(int(match["y"]), int(match["m"]), int(match["d"]))
            except ValueError:
                continue
    return None


def _record_date(entry: Path, path: str) -> date | None:
    """The day on which the first readable record was fetched, where the format says so."""
    kind = media_kind(entry.name)
    if kind not in LINES and kind != ".warc":
        return None
    with opened(entry) as stream:
        records = READERS[str(kind)](cast("BinaryIO", stream), Context(path, date.min))
        first = next((record for record in records if isinstance(record, Raw)), None)
    return _utc_day(first.metadata.get("fetched_at")) if first else None


def _utc_day(text: str | None) -> date | None:
    try:
        time = datetime.fromisoformat((text or "").strip())
        return (time.astimezone(UTC) if time.tzinfo else time).date()
    except (ValueError, OverflowError):
        return None


# ── parts and shards ────────────────────────────────────────────────────────────────────────


def _parts(entry: Path, digest: str, settings: Settings) -> Iterator[Part]:
    """The file cut into ranges of records: from the start, so that an appended file keeps its cuts."""
    if media_kind(entry.name) not in LINES:
        yield Part(0, 0, -1, digest)
        return
    first = offset = number = size = 0
    hashed = sha256()
    with opened(entry) as stream:
        for piece in content(cast("BinaryIO", stream)):
            hashed.update(piece)
            size, number = size + len(piece), number + piece.endswith(b"\n")
            full = number - first >= settings.shard_records or size >= settings.shard_bytes
            if full and piece.endswith(b"\n"):
                yield Part(first, offset, size, hashed.hexdigest())
                first, offset, size, hashed = number, offset + size, 0, sha256()
    if size or not number:
        yield Part(first, offset, size, hashed.hexdigest())


def content(stream: BinaryIO) -> Iterator[bytes]:
    """The bytes of a stream in pieces, cut behind newlines; a note at the end if it breaks off."""
    while True:
        try:
            block = next_block(stream)
        except BROKEN as error:
            yield f"<breaks off: {error or type(error).__name__}>".encode()
            return
        if not block:
            return
        *whole, rest = block.split(b"\n")
        yield from (line + b"\n" for line in whole)
        if rest:
            yield rest


def part_digest(entry: Path, part: Part) -> str:
    """The digest of a part as it stands in the file now; see `Part.sha256`."""
    if part.size < 0:
        return file_sha256(entry)
    hashed = sha256()
    with opened(entry) as stream:
        stream.seek(part.offset)
        left = part.size
        for piece in content(cast("BinaryIO", stream)):
            hashed.update(piece[:left])
            left -= len(piece)
            if left <= 0:
                break
    return hashed.hexdigest()


def _shards(inputs: Iterable[Input], fingerprint: str, settings: Settings) -> Iterator[Shard]:
    """Every part of a large file is a shard; small files of one day share stable buckets."""
    for day, files in groupby(sorted(inputs, key=_by_day), key=lambda entry: entry.ingest_date):
        small = list[Input]()
        for entry in files:
            if len(entry.parts) > 1:
                yield from (_shard(day, ((entry, part),), fingerprint) for part in entry.parts)
            else:
                small.append(entry)
        for bucket in _buckets(small, 0, settings):
            yield _shard(day, [(entry, entry.parts[0]) for entry in bucket], fingerprint)


def _by_day(entry: Input) -> tuple[date, str]:
    return entry.ingest_date, entry.path


def _buckets(files: Sequence[Input], bit: int, settings: Settings) -> Iterator[Sequence[Input]]:
    """Files by the leading bits of a hash of their path: one more file touches one bucket."""
    heavy = sum(entry.bytes for entry in files) > settings.shard_bytes
    if len(files) > 1 and bit < HASH_BITS and (heavy or len(files) > settings.shard_records):
        for side in (0, 1):
            yield from _buckets([entry for entry in files if _hash_bit(entry.path, bit) == side], bit + 1, settings)
    elif files:
        yield files


def _hash_bit(path: str, bit: int) -> int:
    return sha256(path.encode()).digest()[bit // 8] >> (7 - bit % 8) & 1


def _shard(day: date, members: Sequence[tuple[Input, Part]], fingerprint: str) -> Shard:
    said = [[e.path, str(day), part.first, part.offset, part.sha256, e.sidecar_sha256] for e, part in members]
    key = sha256(json.dumps([said, fingerprint]).encode()).hexdigest()[:32]
    placed = tuple(Member(e.path, day, part, e.sidecar_sha256) for e, part in members)
    return Shard(key, day, placed)


# ── comparing ───────────────────────────────────────────────────────────────────────────────


def _status(new: Input, old: Input | None, fingerprint: str, settings: Settings) -> str:
    if old is None:
        return "new"
    if _identity(new) != _identity(old):
        return "changed"
    if old.retry or not _has_results(old, settings):
        return "missing"
    return "done" if old.fingerprint == fingerprint else "stale"


def _identity(entry: Input) -> tuple[str, str | None, date]:
    return entry.sha256, entry.sidecar_sha256, entry.ingest_date


def _has_results(entry: Input, settings: Settings) -> bool:
    return all(shard_path(part.shard, settings).exists() for part in entry.parts)


def _located(
    found: Mapping[str, Input], selected: Iterable[str], shards: Iterable[Shard], fingerprint: str
) -> dict[str, Input]:
    """The selected files with the fingerprint they will have and the shards of their parts."""
    keys = defaultdict[str, list[Part]](list)
    for shard in shards:
        for member in shard.members:
            keys[member.path].append(replace(member.part, shard=shard.key))
    return {path: replace(found[path], fingerprint=fingerprint, parts=tuple(keys[path])) for path in selected}


def _is_due(shard: Shard, accepted: Mapping[str, Input], settings: Settings) -> bool:
    retried = any(member.path in accepted and accepted[member.path].retry for member in shard.members)
    return retried or not _is_whole(shard_path(shard.key, settings))


def _is_whole(path: Path) -> bool:
    """Whether a shard is there, can be read, and holds nothing that another run may heal."""
    try:
        return HEALABLE not in (pq.read_metadata(path).metadata or {})
    except (OSError, pa.ArrowInvalid):
        return False


def _stop_if_vanished(gone: Mapping[str, Input], accepted: Mapping[str, Input], settings: Settings) -> None:
    fresh = [path for path in gone if not accepted[path].gone]
    if len(fresh) > MAX_GONE * len(accepted):
        raise PlanError(
            f"{len(fresh)} of {len(accepted)} known files are not in {settings.raw} any more, for one {fresh[0]}; "
            "is the right folder mounted? If they were deleted on purpose, run again with --prune"
        )
    if lost := [path for path, old in gone.items() if not _has_results(old, settings)]:
        raise PlanError(f"the raw file {lost[0]} is gone, and so are its results; run again with --prune to forget it")


def scan_one(path: Path, settings: Settings) -> tuple[Input, Settings]:
    """One file as an input, and the settings with the raw root that it stands below.

    Raises:
        PlanError: if there is no reader for it.
    """
    if media_kind(path.name) is None:
        raise PlanError(f"{path}: there is no reader for this kind of file; known are {', '.join(sorted(READERS))}")
    inside = path.resolve().is_relative_to(settings.raw.resolve())
    root = settings.raw.resolve() if inside else path.resolve().parent
    there = replace(settings, raw=root)
    return _input(_name(root, path.resolve()), path.resolve(), there), there
