"""The tables of `cleaners` (packaged ones and the user's), loaded and digested."""

from __future__ import annotations

import json
import sys
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256
from importlib import resources
from importlib.metadata import version
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import cast

from cleaners import dates, line_model, names, residue
from cleaners.model import Keep, Knowledge, OperatingPoint, Options
from flows.settings import Settings, SettingsError

TEXT_LIBRARIES = (
    "ahocorasick_rs", "beautifulsoup4", "charset-normalizer", "courlan", "eld", "ftfy", "langdetect", "lxml",
    "lxml_html_clean", "justext", "numpy", "regex", "trafilatura", "warcio",
)  # fmt: skip
"""The libraries whose version can change what an article looks like."""

Table = Mapping[str, object]


def load(settings: Settings) -> Knowledge:
    """The knowledge for these settings; parsed once per process.

    Raises:
        SettingsError: if a file of the user cannot be read or says something impossible.
    """
    options = Options(
        datelines=cast("Keep", settings.datelines),
        corrections=cast("Keep", settings.corrections),
        contributor_credits=cast("Keep", settings.contributor_credits),
        line_model=cast("OperatingPoint", settings.line_model),
        short_words=settings.short_words,
    )
    return _load(settings.rules, settings.aliases, options)


@lru_cache(maxsize=2)
def _load(rules: tuple[Path, ...], aliases: tuple[Path, ...], options: Options) -> Knowledge:
    packages = resources.files("cleaners")
    rule_tables = _tables((*(packages / "rules").iterdir(), *rules))
    lexicons = _tables((*(packages / "lexicons").iterdir(), *(packages / "aliases").iterdir(), *aliases))
    model = json.loads((packages / "models" / "lines.json").read_text(encoding="utf-8"))
    try:
        dated = dates.parse_lexicon(_only(lexicons, "dates"))
        months = (month for table in dated.months.values() for month in table)
        return Knowledge(
            rules=residue.parse_rules(rule_tables),
            names=names.parse_lexicon(_only(lexicons, "names", "persons", *(path.stem for path in aliases))),
            dates=dated,
            lines=line_model.parse_model(model, lexicons["lines"], months),
            options=options,
            digest=_digest([rule_tables, lexicons, model, asdict(options)]),
        )
    except ValueError as error:
        raise SettingsError(str(error)) from error


def cleaning_fingerprint(settings: Settings) -> str:
    """32 hex digits that change whenever the same bytes could give another article.

    Covers the knowledge, the limit on records, the code that reads and cleans, the libraries
    that produce text, the Python minor version and the version of Unicode.
    """
    knowledge = load(settings)
    return _digest([
        knowledge.digest, settings.record_bytes, code_digest(), versions(), unicodedata.unidata_version,
    ])  # fmt: skip


@lru_cache(maxsize=1)
def code_digest() -> str:
    """Of the source code that reads and cleans: other code can give other articles."""
    modules = [path for path in resources.files("cleaners").iterdir() if path.name.endswith(".py")]
    modules += [resources.files("flows") / name for name in ("readers.py", "work.py")]
    return _digest([(path.name, path.read_text(encoding="utf-8")) for path in sorted(modules, key=lambda p: p.name)])


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """What the output was made with, apart from the data."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    return {"python": python} | {name: version(name) for name in TEXT_LIBRARIES}


def _tables(files: Iterable[Traversable | Path]) -> dict[str, Table]:
    """The parsed TOML files by stem, in the order of their names."""
    found = dict[str, Table]()
    for file in sorted(files, key=lambda file: file.name):
        if file.name.endswith(".toml"):
            stem = file.name.removesuffix(".toml")
            if stem in found:
                raise SettingsError(f"{file}: there is another file named {file.name}; name yours differently")
            found[stem] = _read(file)
    return found


def _read(file: Traversable | Path) -> Table:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read: {error}") from error


def _only(tables: Mapping[str, Table], *kinds: str) -> dict[str, Table]:
    return {stem: table for stem, table in tables.items() if stem in kinds or stem.split(".")[0] in kinds}


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, default=str)
    return sha256(text.encode()).hexdigest()[:32]
