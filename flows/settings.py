"""One frozen `Settings`, from `copydesk.toml`, the environment and the command line, in that rising order."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import cast


class SettingsError(ValueError):
    """A setting cannot be used; the message says which, where it stands, and what would do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a user can choose. `copydesk.toml` uses the same names."""

    raw: Path = Path("raw")
    """The folder with the scraped files."""
    out: Path = Path("processed")
    """The folder for everything that copydesk writes."""
    workers: int = os.cpu_count() or 1
    """Processes that clean at the same time. Does not change the output."""
    datelines: str = "keep"
    """`keep` or `remove`: whether a dateline ("PARIS (AP) —") stays in the first paragraph."""
    corrections: str = "keep"
    """`keep` or `remove`: whether lines that correct the article, or say how it was updated, stay in the text."""
    contributor_credits: str = "keep"
    """`keep` or `remove`: whether lines that name who else reported stay in the text."""
    line_model: str = "normal"
    """`careful`, `normal`, `eager` or `off`: how readily lines go that only the line model takes for residue."""
    short_words: int = 25
    """An article of fewer words is flagged `short`."""
    near_threshold: float = 0.8
    """Jaccard of word 5-grams from which two articles are near copies, 0.5 to 1."""
    prefer: tuple[str, ...] = ()
    """Sites whose articles stay when others are copies of them, best first."""
    rules: tuple[Path, ...] = ()
    """More files of residue rules, as in docs/rules.md."""
    aliases: tuple[Path, ...] = ()
    """More files of name aliases."""
    record_seconds: int = 60
    """CPU seconds after which a record is given up (`too-slow`)."""
    record_bytes: int = 64_000_000
    """Bytes of the largest record that is read; a larger one is rejected (`too-large`)."""
    shard_records: int = 1_000
    """Records that one worker cleans in one go. Does not change the output."""
    shard_bytes: int = 16_000_000
    """Bytes of raw input that one worker cleans in one go. Does not change the output."""
    keep_generations: int = 5
    """Generations kept at least; younger ones than 24 hours are kept as well."""


SECTIONS: Mapping[str, tuple[str, ...]] = {
    "paths": ("raw", "out"),
    "clean": ("datelines", "corrections", "contributor_credits", "line_model", "short_words", "rules", "aliases"),
    "duplicates": ("near_threshold", "prefer"),
    "run": ("workers", "record_seconds", "record_bytes", "shard_records", "shard_bytes", "keep_generations"),
}
"""The tables of `copydesk.toml`, and the settings in each."""

EVALUATION = "COPYDESK_EVAL"
"""The variable of the tests, which is no setting."""
KINDS: Mapping[type, str] = {int: "whole number", float: "number", tuple: "list", str: "text"}
"""How a person calls a type; whatever is not here is a path."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "datelines": ("keep", "remove"),
    "corrections": ("keep", "remove"),
    "contributor_credits": ("keep", "remove"),
    "line_model": ("careful", "normal", "eager", "off"),
}
LIMITS: Mapping[str, tuple[float, float]] = {
    "workers": (1, 256),
    "short_words": (0, 1_000_000),
    "near_threshold": (0.5, 1.0),
    "record_seconds": (1, 86_400),
    "record_bytes": (1_000, 2_000_000_000),
    "shard_records": (1, 100_000),
    "shard_bytes": (1_000, 2_000_000_000),
    "keep_generations": (1, 10_000),
}


def load(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """The settings from a file (default: `copydesk.toml` if it exists), `COPYDESK_…` variables and flags.

    Raises:
        SettingsError: for an unknown name or an unusable value, saying where it stands.
    """
    environment = os.environ if environment is None else environment
    names = {field.name for field in fields(Settings)}
    _check_names(environment, names)
    said: dict[str, tuple[object, str]] = _from_file(file)
    said |= {
        name: (environment[f"COPYDESK_{name.upper()}"], f"COPYDESK_{name.upper()}")
        for name in names
        if f"COPYDESK_{name.upper()}" in environment
    }
    said |= {name: (value, f"--{name}") for name, value in (flags or {}).items() if value is not None}
    return replace(Settings(), **{name: _parsed(name, *value) for name, value in said.items()})  # type: ignore[arg-type]


def _check_names(environment: Mapping[str, str], names: set[str]) -> None:
    known = {f"COPYDESK_{name.upper()}" for name in names} | {EVALUATION}
    if unknown := sorted(name for name in environment if name.startswith("COPYDESK_") and name not in known):
        raise SettingsError(f"{unknown[0]}: there is no such setting; see docs/settings.md")


def _from_file(file: Path | None) -> dict[str, tuple[object, str]]:
    path = file or Path("copydesk.toml")
    if file is None and not path.exists():
        return {}
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    known = {(section, name) for section, names in SECTIONS.items() for name in names}
    said = [
        (section, name, value)
        for section, table in tables.items()
        for name, value in (table.items() if isinstance(table, dict) else [("", table)])
    ]
    for section, name, _ in said:
        if not name:
            raise SettingsError(f"{path}: {section} stands in no table; see docs/settings.md")
        if (section, name) not in known:
            raise SettingsError(f"{path}: there is no setting {name} in [{section}]; see docs/settings.md")
    return {name: (value, f"{name} in {path}") for _, name, value in said}


def _parsed(name: str, value: object, where: str) -> object:
    """The value in the type of its setting."""
    default = getattr(Settings(), name)
    try:
        parsed = _as(type(default), name, value)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{where}: {value!r} is not a {KINDS.get(type(default), 'path')}") from error
    if name in CHOICES and parsed not in CHOICES[name]:
        raise SettingsError(f"{where}: {value!r} is not one of {', '.join(CHOICES[name])}")
    if name in LIMITS and not LIMITS[name][0] <= cast("float", parsed) <= LIMITS[name][1]:
        raise SettingsError(f"{where}: {value!r} is not between {LIMITS[name][0]} and {LIMITS[name][1]}")
    return parsed


def _as(kind: type, name: str, value: object) -> object:
    if kind is tuple:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, list | tuple):
            raise TypeError
        return tuple(Path(item) if name in ("rules", "aliases") else str(item) for item in items if item)
    if isinstance(value, bool) or value == "" or (kind is int and isinstance(value, float)):
        raise TypeError
    return kind(value)
