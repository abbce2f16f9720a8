"""`copydesk rules learn`: lines that recur across the published articles of a site become a proposed rule file.

The published texts are what the rules of now leave, so what recurs in them is what is left to
learn; copies of an article are set apart there already, and count for nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path

import pyarrow.dataset as ds
from rich.table import Table
from rich.text import Text

from cleaners.boilerplate import LEAST_ARTICLES, RecurringLine, SiteLines, SiteText, as_toml, file_name, recurring_lines
from flows import publish
from flows.knowledge import cleaning_fingerprint
from flows.settings import Settings, SettingsError
from flows.show import NotFoundError
from flows.terminal import inert_line

__all__ = ["LEAST_ARTICLES", "learn", "sites"]

BATCH = 500
"""Articles held in memory at a time."""
MOST_RULES = 200
"""Rules in a proposal: as many as a person may read. The next proposal holds what is left."""
WIDTH = 100
"""Code points of a line that are shown."""

_FILE_NAME = re.compile(r"any-\w[\w.-]*\.toml")


def learn(site: str, least: int, target: Path | None, settings: Settings) -> Iterator[str | Text]:
    """Propose rules for `site`: write them to `target` (default: a name made of the site's), and say what they are.

    Raises:
        SettingsError: if the file cannot be written; one that is there is never written over.
        NotFoundError: if nothing of the site is published.
        publish.PublishError: if nothing is published.
    """
    path = target or Path(file_name(site))
    _check(path)
    found = recurring_lines(_articles(settings, site), least).get(site)
    if found is None:
        raise NotFoundError(_unknown(site, settings))
    yield from _stale(settings)
    if not found.lines:
        yield f"no line recurs in {least} of the {found.articles} articles of {inert_line(site)}; nothing was written"
        return
    proposed = SiteLines(found.articles, found.lines[:MOST_RULES])
    _write(path, as_toml(site, proposed, str(path)))
    yield from (_spoken(line, found.articles) for line in proposed.lines)
    yield from _what_next(path, found)


def sites(least: int, settings: Settings) -> Iterator[str | Table]:
    """The sites with at least `least` published articles, and how many lines recur in each.

    Raises:
        publish.PublishError: if nothing is published.
    """
    found = recurring_lines(_articles(settings, None), least)
    yield from _stale(settings)
    unnamed = found.pop("", None)
    shown = [(site, of) for site, of in found.items() if of.articles >= least]
    table = Table("site", "articles", "recurring lines", box=None)
    for site, of in sorted(shown, key=lambda pair: (-pair[1].articles, pair[0])):
        table.add_row(inert_line(site), str(of.articles), str(len(of.lines)))
    if shown:
        yield table
    yield f"{len(shown)} of {len(found)} sites have {least} or more articles; choose one with --site"
    if unnamed:
        yield f"{unnamed.articles} articles have no site; their records or sidecars can name one (`site`)"


# ── reading ─────────────────────────────────────────────────────────────────────────────────


def _articles(settings: Settings, site: str | None) -> Callable[[], Iterator[SiteText]]:
    """What reads the published articles of a site, or of all; those of no site under an empty name."""
    articles = ds.dataset(_generation(settings) / "articles", partitioning="hive")
    wanted = None if site is None else ds.field("site") == site

    def read() -> Iterator[SiteText]:
        columns = ["id", "site", "text"]
        for batch in articles.to_batches(columns=columns, filter=wanted, batch_size=BATCH, batch_readahead=1,
                                         fragment_readahead=1):  # fmt: skip
            for row in batch.to_pylist():
                yield SiteText(row["id"], row["site"] or "", row["text"])

    return read


def _generation(settings: Settings) -> Path:
    generation = publish.current(settings)
    if generation is None:
        raise publish.PublishError(f"nothing is published in {settings.out} yet; run `copydesk ingest`")
    return generation


def _unknown(site: str, settings: Settings) -> str:
    column = ds.dataset(_generation(settings) / "articles", partitioning="hive").to_table(columns=["site"])["site"]
    close = get_close_matches(site, [name for name in column.unique().to_pylist() if name], n=3)
    meant = f"did you mean {' or '.join(close)}?" if close else "`copydesk rules learn` lists the sites"
    return f"no published article is of the site {site}; {meant}"


def _stale(settings: Settings) -> Iterator[str]:
    """A note if some of the texts are not what the rules of now leave."""
    fingerprint, inputs = cleaning_fingerprint(settings), publish.accepted_inputs(settings).values()
    if stale := sum(entry.fingerprint != fingerprint for entry in inputs):
        yield (
            f"note: {stale} of {len(inputs)} files were cleaned by other rules than those of now, which may remove "
            "some of these lines already; `copydesk backfill --reprocess changed` cleans them again"
        )


# ── writing ─────────────────────────────────────────────────────────────────────────────────


def _check(path: Path) -> None:
    """Find out before anything is read whether the proposal may be written there."""
    if not _FILE_NAME.fullmatch(path.name):
        raise SettingsError(f"{path}: name the file any-….toml, since what stands before the hyphen is the language")
    try:
        is_there, has_folder = path.is_symlink() or path.exists(), path.parent.is_dir()
    except OSError as error:
        raise _unwritable(path, error) from error
    if is_there:
        raise SettingsError(f"{path} is there already and is not written over; choose another with --write")
    if not has_folder:
        raise SettingsError(f"there is no folder {path.parent}; make it or choose another file with --write")


def _unwritable(path: Path, error: OSError) -> SettingsError:
    return SettingsError(f"{path} cannot be written: {error.strerror}; choose another with --write")


def _write(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except OSError as error:
        raise _unwritable(path, error) from error


def _spoken(line: RecurringLine, of: int) -> Text:
    shown = inert_line(line.surfaces[0][:WIDTH])
    return Text(f"{line.articles:7} of {of} ({line.articles / of:4.0%})  {line.zone}  ").append(shown, "bold")


def _what_next(path: Path, found: SiteLines) -> Iterator[str]:
    if len(found.lines) > MOST_RULES:
        yield f"{len(found.lines) - MOST_RULES} more lines recur; learn again when these are in force"
    count = min(len(found.lines), MOST_RULES)
    yield f"wrote {inert_line(str(path))}: {count} proposed rules, none in force; read them, the file says how to go on"
