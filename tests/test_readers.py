"""Readers: nothing that stands in a file stops the records before and after it."""

from __future__ import annotations

import gzip
import io
import json

import pytest
from harness import PROSE, ingest, rows, settings, write
from hypothesis import given
from hypothesis import strategies as st
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from flows.readers import KEYS, metadata, physical_lines

LINES = [json.dumps({"id": number, "text": f"{PROSE} Record {number}."}).encode() for number in range(9)]


def outcomes(out, raw, **others) -> dict[int, str]:
    """Of each record number `kept`, or the reason of its reject."""
    ingest(settings(raw, out, near_threshold=1.0, **others))
    kept = {row["source_record"]: "kept" for table in ("articles", "duplicates") for row in rows(out, table)}
    return kept | {row["source_record"]: row["reason"] for row in rows(out, "rejects")}


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (b'{"text": "cut off', "invalid-json"),
        (b'{"text": "caf\xe9 and more text"}', "invalid-utf-8"),
        (b'["a", "list"]', "not-an-object"),
        (b'{"title": "no text at all"}', "no-text"),
        (b'{"text": 17}', "no-text"),
        (b"[" * 50_000, "invalid-json"),
        (b'{"text": "%s"}' % (b"x" * 70_000), "too-large"),
        (b"\x00\x00\x00", "invalid-json"),
        (b'{"text": "\\n \\t "}', "no-text"),
    ],
)
def test_a_broken_line_is_a_reject_and_its_neighbours_are_kept(raw, out, broken, reason):
    write(raw, {"2024-10-01/news.jsonl": b"\n".join([*LINES[:3], broken, *LINES[3:]]) + b"\n"})
    found = outcomes(out, raw, record_bytes=60_000)
    assert found == dict.fromkeys((0, 1, 2, 4, 5, 6, 7, 8, 9), "kept") | {3: reason}


def test_blank_lines_have_a_number_but_are_no_records(raw, out):
    write(raw, {"2024-10-01/news.jsonl": b"\n\n".join(LINES[:3]) + b"\n\n\n"})
    assert outcomes(out, raw) == {0: "kept", 2: "kept", 4: "kept"}


def test_a_last_line_without_newline_and_a_byte_order_mark_are_no_harm(raw, out):
    write(raw, {"2024-10-01/news.jsonl": b"\xef\xbb\xbf" + b"\n".join(LINES[:2])})
    assert outcomes(out, raw) == {0: "kept", 1: "kept"}


@pytest.mark.parametrize("shard_records", [2, 1000])
def test_of_a_truncated_gzip_everything_that_can_be_read_is_kept(raw, out, shard_records):
    data = gzip.compress(b"\n".join(LINES) + b"\n", mtime=0)
    write(raw, {"2024-10-01/news.jsonl.gz": data[:-40]})
    found = outcomes(out, raw, shard_records=shard_records)
    last = max(found)
    assert found == dict.fromkeys(range(last), "kept") | {last: "damaged"}
    assert last > 3


def test_a_truncated_gzip_of_one_document_is_a_reject(raw, out):
    write(raw, {"2024-10-01/a.txt.gz": gzip.compress(PROSE.encode() * 50, mtime=0)[:-30], "2024-10-01/b.txt": PROSE})
    ingest(settings(raw, out))
    assert [row["reason"] for row in rows(out, "rejects")] == ["damaged"]
    assert len(rows(out, "articles")) == 1


def test_what_only_claims_to_be_gzip_is_a_reject(raw, out):
    write(raw, {"2024-10-01/a.jsonl.gz": b"this is not gzip", "2024-10-01/b.txt": PROSE})
    ingest(settings(raw, out))
    assert [row["reason"] for row in rows(out, "rejects")] == ["damaged"]


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line)), st.integers(1, 40))
def test_physical_lines_are_those_of_split(lines, limit):
    data = b"\n".join(lines)
    expected = data.split(b"\n") if data else []
    expected = expected[:-1] if expected and not expected[-1] else expected
    found = list(physical_lines(io.BytesIO(data), limit))
    assert [line.oversize for line in found] == [len(line) > limit for line in expected]
    assert [line.data for line in found if not line.oversize] == [line for line in expected if len(line) <= limit]


def warc(*records: tuple[str, str, bytes, str]) -> bytes:
    """A gzipped WARC file of (type, content type, payload, status)."""
    stream = io.BytesIO()
    writer = WARCWriter(stream, gzip=True)
    for number, (kind, content_type, payload, status) in enumerate(records):
        headers = StatusAndHeaders(status, [("Content-Type", content_type)], protocol="HTTP/1.1")
        said = {"WARC-Date": "2024-10-15T00:00:00Z", "WARC-Record-ID": f"<urn:uuid:{number}>"}
        record = writer.create_warc_record(
            f"https://ledger.example/{number}",
            kind,
            payload=io.BytesIO(payload),
            http_headers=headers if kind in {"request", "response"} else None,
            warc_content_type=content_type if kind == "resource" else "",
            warc_headers_dict=said,
        )
        writer.write_record(record)
    return stream.getvalue()


PAGE = f"<html><body><article><h1>Harbor vote</h1><p>{PROSE}</p><p>{PROSE[:150]}.</p></article></body></html>".encode()


def test_warc_responses_and_resources_are_records_and_each_has_its_outcome(raw, out):
    data = warc(
        ("response", "text/html; charset=utf-8", PAGE, "200 OK"),
        ("request", "text/html", b"", "GET / HTTP/1.1"),
        ("response", "text/html", b"gone", "410 Gone"),
        ("response", "image/png", b"\x89PNG", "200 OK"),
        ("resource", "text/html", PAGE, ""),
        ("resource", "text/plain", PROSE.encode(), ""),
    )
    write(raw, {"crawl.warc.gz": data})
    found = outcomes(out, raw)
    assert found == {0: "kept", 2: "http-status", 3: "media-type", 4: "kept", 5: "kept"}
    row = next(row for row in rows(out, "articles") if row["source_record"] in {0, 4})
    assert row["ingest_date"] == "2024-10-15"
    assert row["source_record_id"].startswith("<urn:uuid:")
    assert row["url"].startswith("https://ledger.example/")


@pytest.mark.parametrize("cut", [5, 200, 400])
def test_a_warc_file_that_breaks_off_keeps_what_came_before(raw, out, cut):
    data = warc(*[("response", "text/html", PAGE, "200 OK")] * 3)
    write(raw, {"2024-10-01/crawl.warc.gz": data[:-cut]})
    found = outcomes(out, raw)
    assert found[0] == "kept"
    assert set(found.values()) == {"kept", "damaged"}


def test_what_is_no_warc_at_all_is_one_reject(raw, out):
    write(raw, {"2024-10-01/crawl.warc": b"nothing of the kind\r\n" * 20, "2024-10-01/empty.warc.gz": b""})
    assert set(outcomes(out, raw).values()) == {"damaged"}


def test_records_with_html_are_extracted_and_those_with_text_are_not(raw, out):
    records = [{"html": PAGE.decode()}, {"text": "<p>" + PROSE}]
    write(raw, {"2024-10-01/news.jsonl": records})
    ingest(settings(raw, out, near_threshold=1.0))
    found = {row["source_record"]: row for row in rows(out, "articles")}
    assert found[0]["extractor"].startswith("trafilatura ")
    assert (found[1]["extractor"], found[1]["text"]) == (None, "<p>" + PROSE)


def test_keys_that_nobody_asked_for_are_kept(raw, out):
    record = {
        "id": "a-1",
        "text": PROSE,
        "section": "Local",
        "word": {"nested": [1, None]},
        "author": ["Jane Roe", "Ann Lee"],
    }
    write(raw, {"2024-10-01/news.jsonl": [record]})
    ingest(settings(raw, out))
    row = rows(out, "articles")[0]
    assert json.loads(row["source_metadata"]) == {"section": "Local", "word": {"nested": [1, None]}}
    assert row["source_record_id"] == "a-1"
    assert [author["name"] for author in row["authors"]] == ["Jane Roe", "Ann Lee"]


def test_a_lone_surrogate_becomes_a_replacement_character_and_a_flag(raw, out):
    write(
        raw,
        {"2024-10-01/news.jsonl": ('{"text": "' + PROSE + ' \\ud83d", "title": "A \\udc00 title", "x": "\\ud800"}\n')},
    )
    ingest(settings(raw, out))
    row = rows(out, "articles")[0]
    assert row["text"].endswith("�")
    assert "lone-surrogates" in row["flags"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([key for keys in KEYS.values() for key in keys]), JSON))
def test_metadata_of_any_shape_is_strings(record):
    found = metadata(record)
    assert all(isinstance(value, str) and value.strip() for value in found.values())
    assert found.keys() <= KEYS.keys()


@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.jsonl", "a.warc", "a.txt.gz"])
def test_an_empty_file_breaks_nothing(raw, out, name):
    write(raw, {f"2024-10-01/{name}": b"", "2024-10-01/other.txt": PROSE})
    ingest(settings(raw, out))
    assert len(rows(out, "articles")) == 1
    assert {row["reason"] for row in rows(out, "rejects")} <= {"empty", "damaged"}


def test_authors_nested_as_deep_as_anybody_likes_cost_no_record(raw, out):
    lines = [LINES[0]]
    lines += [b'{"text": "%s %d", "authors": %s1%s}' % (PROSE.encode(), n, b"[" * n, b"]" * n) for n in (9, 400, 900)]
    write(raw, {"2024-10-01/news.jsonl": b"\n".join([*lines, LINES[1]])})
    assert outcomes(out, raw) == dict.fromkeys(range(5), "kept")


def plain_warc(*headers: str) -> bytes:
    """An uncompressed WARC file of responses with these further WARC headers."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n%s\r\n" + PAGE
    found = b""
    for number, header in enumerate(headers):
        encoding, _, further = header.rpartition("|")
        payload = http % (f"Content-Encoding: {encoding}\r\n".encode() if encoding else b"")
        said = "WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\n"
        said += f"WARC-Record-ID: <urn:uuid:{number}>\r\n{further}"
        found += f"{said}Content-Length: {len(payload)}\r\n\r\n".encode() + payload + b"\r\n\r\n"
    return found


TARGET = "WARC-Target-URI: https://ledger.example/a\r\nWARC-Date: 2024-10-15T00:00:00Z\r\n"


def test_a_broken_warc_record_does_not_take_the_next_ones_along(raw, out):
    without_address = ""
    write(raw, {"2024-10-01/crawl.warc": plain_warc(TARGET, without_address, f"br|{TARGET}", TARGET)})
    assert outcomes(out, raw) == {0: "kept", 1: "kept", 2: "content-encoding", 3: "kept"}


def test_no_truncation_of_a_warc_file_goes_unnoticed(raw, tmp_path):
    data = plain_warc(TARGET, TARGET)
    for cut in range(4, len(data) // 2, 61):
        write(raw, {"2024-10-01/crawl.warc": data[:-cut]})
        found = outcomes(tmp_path / str(cut), raw)
        assert (found[0], "damaged" in found.values()) == ("kept", True), cut


def test_what_is_no_number_in_json_is_null_in_the_metadata(raw, out):
    write(raw, {"2024-10-01/news.jsonl": b'{"text": "%s", "score": NaN}\n' % PROSE.encode()})
    ingest(settings(raw, out))
    assert rows(out, "articles")[0]["source_metadata"] == '{"score": null}'
