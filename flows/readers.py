"""Raw files become records: one reader per format, and nothing a reader meets stops the others.

A reader is given an open binary stream and yields, in physical order, one `Raw` or `Reject`
for every record. What stands in a file without being a record (a blank line, the request
beside a response in a WARC file) is not yielded.
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import IO, BinaryIO, cast

from warcio.archiveiterator import ArchiveIterator
from warcio.recordloader import ArcWarcRecord
from warcio.statusandheaders import StatusAndHeadersParser

from cleaners.decode import sound
from cleaners.model import Origin, Raw, Reject

BLOCK = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
BROKEN = (EOFError, OSError, zlib.error)
"""What reading a damaged compressed file raises; OSError includes gzip.BadGzipFile."""

KEYS: Mapping[str, tuple[str, ...]] = {
    "url": ("url", "link"),
    "fetched_at": ("fetched_at", "crawled_at", "scraped_at"),
    "published_at": ("published_at", "published", "date", "date_published", "datePublished"),
    "title": ("title", "headline"),
    "authors": ("authors", "author"),
    "byline": ("byline",),
    "language": ("language", "lang"),
    "site": ("site",),
}
"""What a record or sidecar can say of itself, and the keys under which scrapers say it."""
TEXT_KEYS = ("text", "content", "body")


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader has to know of the file it reads."""

    path: str
    """Below the raw root, with `/`."""
    ingest_date: date
    sidecar: Mapping[str, object] | None = None
    sidecar_flags: tuple[str, ...] = ()
    first: int = 0
    """The physical number of the first record in the stream."""
    limit: int = 64_000_000
    """Bytes of the largest record that is read."""


Records = Iterator[Raw | Reject]
Reader = Callable[[BinaryIO, Context], Records]


def media_kind(name: str) -> str | None:
    """The key of the reader for a file name, or None. A trailing `.gz` does not count.

    >>> media_kind("a/b.jsonl.gz"), media_kind("page.HTML"), media_kind("notes.xyz")
    ('.jsonl', '.html', None)
    """
    suffix = Path(name.lower().removesuffix(".gz")).suffix
    return suffix if suffix in READERS else None


def opened(path: Path) -> IO[bytes]:
    """The file as a stream of its content, decompressed if its name ends in `.gz`.

    WARC files are the exception: their records are compressed one by one, and the reader
    wants to see where each begins.
    """
    if path.name.lower().endswith(".gz") and media_kind(path.name) != ".warc":
        return cast("IO[bytes]", gzip.open(path))
    return path.open("rb")


# ── one document a file ─────────────────────────────────────────────────────────────────────


def read_text(stream: BinaryIO, context: Context) -> Records:
    """A file that is one plain text."""
    yield from _document(stream, context, "text/plain")


def read_html(stream: BinaryIO, context: Context) -> Records:
    """A file that is one HTML page."""
    yield from _document(stream, context, "text/html")


def _document(stream: BinaryIO, context: Context, media_type: str) -> Records:
    origin = Origin(context.path, 0)
    try:
        payload = stream.read(context.limit + 1)
    except BROKEN as error:
        yield damaged(origin, error)
        return
    if len(payload) > context.limit:
        yield too_large(origin, context.limit)
        return
    said = metadata(context.sidecar or {})
    yield Raw(
        origin,
        payload,
        media_type,
        charset=_string((context.sidecar or {}).get("charset")),
        metadata=said,
        metadata_source="sidecar",
        ingest_date=context.ingest_date,
        source_metadata=unasked(context.sidecar or {}, ("charset",)),
        flags=context.sidecar_flags,
    )


# ── one record a line ───────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Line:
    """A physical line without its newline; `error` says why there is no more of it."""

    data: bytes
    error: BaseException | None = None
    oversize: bool = False


def physical_lines(stream: BinaryIO, limit: int) -> Iterator[Line]:
    """Every line of a stream, even of one that breaks off; at most `limit` bytes of each."""
    kept, oversize = bytearray(), False
    while True:
        try:
            block = next_block(stream)
        except BROKEN as error:
            yield Line(bytes(kept), error, oversize)
            return
        if not block:
            break
        *whole, rest = block.split(b"\n")
        for piece in whole:
            oversize = oversize or len(kept) + len(piece) > limit
            yield Line(b"" if oversize else bytes(kept + piece), oversize=oversize)
            kept, oversize = bytearray(), False
        oversize = oversize or len(kept) + len(rest) > limit
        if oversize:
            kept.clear()
        else:
            kept += rest
    if kept or oversize:
        yield Line(bytes(kept), oversize=oversize)


def next_block(stream: BinaryIO) -> bytes:
    """Some bytes, at most a block; of a damaged stream all that can be had before it raises.

    `read` would throw away what it already has when the stream breaks off in the middle.
    """
    return cast("io.BufferedIOBase", stream).read1(BLOCK)


def read_jsonl(stream: BinaryIO, context: Context) -> Records:
    """A file with one JSON object a line. A blank line has a number but is no record."""
    for number, line in enumerate(physical_lines(stream, context.limit), context.first):
        origin = Origin(context.path, number)
        if line.error is not None:
            yield replace(damaged(origin, line.error), payload=line.data[:MAX_PAYLOAD])
        elif line.oversize:
            yield too_large(origin, context.limit)
        elif line.data.strip():
            yield _json_record(line.data, origin, context)


def _json_record(data: bytes, origin: Origin, context: Context) -> Raw | Reject:
    try:
        record = json.loads(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError as error:
        return _unreadable(origin, "invalid-utf-8", f"byte {error.start} of the line: {error.reason}")
    except RecursionError:
        return _unreadable(origin, "invalid-json", "nested too deeply")
    except ValueError as error:
        return _unreadable(origin, "invalid-json", str(error))
    if not isinstance(record, dict):
        return _unreadable(origin, "not-an-object", f"the line holds a {type(record).__name__}, not an object")
    return _from_object(record, origin, context)


def _no_number(_name: str) -> None:
    """NaN and Infinity, which some writers put into JSON, and which JSON does not have."""


def _from_object(record: Mapping[str, object], origin: Origin, context: Context) -> Raw | Reject:
    media_type, key = ("text/html", "html") if _string(record.get("html")) else ("text/plain", _text_key(record))
    if key is None:
        found = ", ".join(key[:40] for key in sorted(record)[:8]) or "none"
        return _unreadable(
            origin, "no-text", f"none of the keys html, {', '.join(TEXT_KEYS)} holds text; keys: {found}"
        )
    sidecar = metadata(context.sidecar or {})
    return Raw(
        origin,
        str(record[key]),
        media_type,
        metadata={**sidecar, **metadata(record)},
        metadata_source="record",
        ingest_date=context.ingest_date,
        record_id=sound(str(record["id"]))[0] if record.get("id") is not None else None,
        source_metadata=unasked(record, ("id", "html", *TEXT_KEYS)),
        flags=context.sidecar_flags,
    )


def _text_key(record: Mapping[str, object]) -> str | None:
    return next((key for key in TEXT_KEYS if _string(record.get(key))), None)


# ── WARC ────────────────────────────────────────────────────────────────────────────────────

DOCUMENTS = ("response", "resource", "conversion")
"""WARC record types that hold a document."""
ABOUT = ("warcinfo", "request", "metadata", "revisit", "continuation")
"""WARC record types that speak about documents."""
ENCODINGS = ("", "identity", "gzip", "x-gzip", "deflate")
"""Content encodings that are undone; others would depend on what else is installed."""
MAX_DEPTH = 8
"""Lists and objects in each other in which an author is looked for."""


_HTTP = StatusAndHeadersParser(["HTTP/1.0", "HTTP/1.1", "HTTP/2", "HTTP/2.0", "HTTP/3"], verify=False)


def read_warc(stream: BinaryIO, context: Context) -> Records:
    """A WARC file. Every response, resource and conversion record is a record; so is a break."""
    number, outcome = -1, None
    try:
        for number, record in enumerate(ArchiveIterator(stream, no_record_parse=True)):
            outcome = _warc_outcome(record, Origin(context.path, number), context)
            if outcome is not None:
                yield outcome
        if not (isinstance(outcome, Reject) and outcome.reason == "damaged"):
            _check_end(stream)
    except Exception as error:  # noqa: BLE001 - whatever the library meets in a file, the file breaks off there
        yield damaged(Origin(context.path, number + 1), error)


def _warc_outcome(record: ArcWarcRecord, origin: Origin, context: Context) -> Raw | Reject | None:
    """What becomes of a record; None for one that speaks about documents."""
    length = record.rec_headers.get_header("Content-Length") or ""
    if record.rec_type not in (*DOCUMENTS, *ABOUT) or not length.strip().isdigit():
        return damaged(origin, ValueError("a WARC header without a known type and a length"))
    if record.rec_type in ABOUT:
        return None
    try:
        return _from_warc(record, origin, context)
    except Exception as error:  # noqa: BLE001 - a broken record must not take the next ones along
        return damaged(origin, error)


def _check_end(stream: BinaryIO) -> None:
    """Raise EOFError if the last record of a file, or its gzip member, is cut short: warcio does not tell."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if size and stream.read(2) != GZIP_MAGIC:
        stream.seek(max(size - 4, 0))
        if not stream.read().endswith((b"\r\n\r\n", b"\n\n")):
            raise EOFError("the last record does not end with an empty line")
        return
    stream.seek(0)
    with gzip.open(stream) as members:
        while members.read(BLOCK):
            pass


def _from_warc(record: ArcWarcRecord, origin: Origin, context: Context) -> Raw | Reject:
    said = record.rec_headers
    if (said.get_header("Content-Type") or "").startswith("application/http"):
        record.http_headers = _HTTP.parse(record.raw_stream)
    headers = record.http_headers
    status = headers.get_statuscode() if headers else "200"
    content_type = (headers or said).get_header("Content-Type") or ""
    media_type = MEDIA_TYPES.get(content_type.split(";")[0].strip().lower())
    if not status.startswith("2"):
        return _unreadable(origin, "http-status", f"the server answered {status}")
    if media_type is None:
        return _unreadable(origin, "media-type", f"{content_type or 'no Content-Type'}: not an article")
    encoding = (headers.get_header("Content-Encoding") or "").strip().lower() if headers else ""
    if encoding not in ENCODINGS:
        return _unreadable(origin, "content-encoding", f"{encoding}: not among {', '.join(ENCODINGS[1:])}")
    payload = record.content_stream().read(context.limit + 1)
    if len(payload) > context.limit:
        return too_large(origin, context.limit)
    if _is_cut(record):
        return damaged(origin, EOFError("the record is shorter than it says"))
    found = {"url": said.get_header("WARC-Target-URI"), "fetched_at": said.get_header("WARC-Date")}
    return Raw(
        origin,
        payload,
        media_type,
        charset=_charset(content_type),
        metadata={**metadata(context.sidecar or {}), **{key: value for key, value in found.items() if value}},
        metadata_source="record",
        ingest_date=context.ingest_date,
        record_id=said.get_header("WARC-Record-ID"),
        flags=context.sidecar_flags,
    )


def _is_cut(record: ArcWarcRecord) -> bool:
    """Whether the file ended before the record did."""
    while record.raw_stream.read(BLOCK):
        pass
    return getattr(record.raw_stream, "limit", 0) > 0


MEDIA_TYPES: Mapping[str, str] = {
    "text/html": "text/html",
    "application/xhtml+xml": "text/html",
    "text/plain": "text/plain",
}


def _charset(content_type: str) -> str | None:
    """The charset parameter of a Content-Type header."""
    parameters = (part.partition("=") for part in content_type.split(";")[1:])
    return next((value.strip(" \"'") for name, _, value in parameters if name.strip().lower() == "charset"), None)


# ── what readers share ──────────────────────────────────────────────────────────────────────

MAX_PAYLOAD = 1_000_000
"""Bytes of a lost record that are kept in its reject."""


def metadata(record: Mapping[str, object]) -> dict[str, str]:
    """What a record says of itself, under our names; several authors stand on a line each."""
    found = {
        name: next((text for key in keys if (text := _joined(record.get(key)))), None) for name, keys in KEYS.items()
    }
    return {name: sound(text)[0] for name, text in found.items() if text}


def unasked(record: Mapping[str, object], used: tuple[str, ...]) -> str | None:
    """JSON of the keys that nobody asked for, or None."""
    asked = {*used, *(key for keys in KEYS.values() for key in keys)}
    rest = {key: value for key, value in record.items() if key not in asked}
    return sound(json.dumps(rest, ensure_ascii=False, sort_keys=True))[0] if rest else None


def damaged(origin: Origin, error: BaseException) -> Reject:
    """The rest of a file could not be read; what came before is kept."""
    return Reject(origin, "read", "damaged", f"the file breaks off here: {error or type(error).__name__}")


def too_large(origin: Origin, limit: int) -> Reject:
    """A record over the limit."""
    return Reject(origin, "read", "too-large", f"the record is over {limit} bytes (setting record_bytes)")


def _unreadable(origin: Origin, reason: str, detail: str) -> Reject:
    return Reject(origin, "read", reason, sound(detail)[0])


def _joined(value: object, depth: int = 0) -> str | None:
    """A string; a list of strings or of objects with a name, one to a line; a number as text."""
    if depth > MAX_DEPTH:
        return None
    if isinstance(value, list):
        return "\n".join(text for item in value if (text := _joined(item, depth + 1))) or None
    if isinstance(value, dict):
        return _joined(value.get("name"), depth + 1)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return _string(value)


def _string(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


READERS: Mapping[str, Reader] = {
    ".txt": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".warc": read_warc,
}

LINES = frozenset({".jsonl", ".ndjson"})
"""Formats that can be read from any line on."""
