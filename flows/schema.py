"""The Arrow schemas: the contract with everybody who reads the data.

Within a schema version a column may be added, never renamed or given another type.
`ingest_date` stands in the path only (`ingest_date=2024-10-14/`), not in the files.
"""

from __future__ import annotations

import pyarrow as pa

from cleaners.fingerprint import BANDS

VERSION = 1

TIME = pa.timestamp("us", tz="UTC")
AUTHORS = pa.list_(pa.struct([("name", pa.string()), ("raw", pa.string()), ("organization", pa.string())]))

ARTICLES = pa.schema(
    [
        ("id", pa.string()),
        ("text", pa.large_string()),
        ("title", pa.string()),
        ("title_raw", pa.string()),
        ("title_source", pa.string()),
        ("authors", AUTHORS),
        ("published_at", TIME),
        ("published_precision", pa.string()),
        ("published_raw", pa.string()),
        ("published_source", pa.string()),
        ("language", pa.string()),
        ("language_confidence", pa.float32()),
        ("language_method", pa.string()),
        ("url", pa.string()),
        ("canonical_url", pa.string()),
        ("site", pa.string()),
        ("word_count", pa.int32()),
        ("text_sha256", pa.string()),
        ("source_path", pa.string()),
        ("source_sha256", pa.string()),
        ("source_record", pa.int64()),
        ("source_record_id", pa.string()),
        ("source_metadata", pa.string()),
        ("media_type", pa.string()),
        ("charset", pa.string()),
        ("extractor", pa.string()),
        ("fetched_at", TIME),
        ("cleaning_fingerprint", pa.string()),
        ("flags", pa.list_(pa.string())),
    ]
)

DUPLICATES = pa.schema(
    [
        *ARTICLES,
        ("duplicate_of", pa.string()),
        ("duplicate_kind", pa.string()),
        ("similarity", pa.float32()),
    ]
)

EDITS = pa.schema(
    [
        ("id", pa.string()),
        ("seq", pa.int32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("old", pa.string()),
        ("new", pa.string()),
        ("rules", pa.list_(pa.string())),
        ("family", pa.string()),
        ("text_start", pa.int64()),
    ]
)

MENTIONS = pa.schema(
    [
        ("id", pa.string()),
        ("seq", pa.int32()),
        ("kind", pa.string()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("surface", pa.string()),
        ("value", pa.string()),
        ("key", pa.string()),
        ("method", pa.string()),
        ("precision", pa.string()),
        ("anchor", pa.string()),
        ("anchored", pa.bool_()),
        ("earliest", pa.date32()),
        ("latest", pa.date32()),
    ]
)

OVERLAPS = pa.schema(
    [
        ("id", pa.string()),
        ("other_id", pa.string()),
        ("containment", pa.float32()),
        ("jaccard", pa.float32()),
    ]
)

REJECTS = pa.schema(
    [
        ("source_path", pa.string()),
        ("source_sha256", pa.string()),
        ("source_record", pa.int64()),
        ("stage", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("environmental", pa.bool_()),
        ("payload", pa.binary()),
    ]
)

TABLES: dict[str, pa.Schema] = {
    "articles": ARTICLES,
    "duplicates": DUPLICATES,
    "edits": EDITS,
    "mentions": MENTIONS,
    "overlaps": OVERLAPS,
    "rejects": REJECTS,
}

SORTED_BY: dict[str, tuple[str, ...]] = {
    "articles": ("id",),
    "duplicates": ("id",),
    "edits": ("id", "seq"),
    "mentions": ("id", "seq"),
    "overlaps": ("id", "other_id"),
    "rejects": ("source_path", "source_record"),
}

# Columns with few distinct values are written as dictionaries; columns of prose get no statistics.
LOW_CARDINALITY = frozenset(
    {
        "title_source", "published_precision", "published_source", "language", "language_method", "site",
        "media_type", "charset", "extractor", "cleaning_fingerprint", "flags", "duplicate_kind", "rules",
        "family", "kind", "method", "precision", "stage", "reason", "source_path", "source_sha256",
    }
)  # fmt: skip
WITHOUT_STATISTICS = frozenset({"text", "payload", "old", "new", "source_metadata", "detail"})

BAND_NAMES = tuple(f"band_{number:02}" for number in range(BANDS))

# One row per record of a shard: an article with what belongs to it, or a reject. What only the
# whole dataset knows (source_sha256 of a growing file, duplicates) is added when publishing.
_NESTED_EDITS = pa.list_(pa.struct([field for field in EDITS if field.name not in {"id", "seq"}]))
_NESTED_MENTIONS = pa.list_(pa.struct([field for field in MENTIONS if field.name not in {"id", "seq"}]))
_REJECT = pa.struct([field for field in REJECTS if not field.name.startswith("source_")])

SHARD = pa.schema(
    [
        *[field for field in ARTICLES if field.name != "source_sha256"],
        ("edits", _NESTED_EDITS),
        ("mentions", _NESTED_MENTIONS),
        ("reject", _REJECT),
        ("words_digest", pa.string()),
        *[(name, pa.uint64()) for name in BAND_NAMES],
    ]
)
