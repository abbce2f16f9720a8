"""The command `copydesk`: turn folders of scraped news into clean, deduplicated Parquet."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from rich.console import Console, RenderableType

from flows import settings as configuration
from flows.knowledge import cleaning_fingerprint
from flows.plan import PlanError, Selection, check_raw, make_plan
from flows.publish import LockedError, PublishError, accepted_inputs, locked
from flows.run import BugError
from flows.settings import Settings, SettingsError
from flows.terminal import inert_line
from flows.workers import WorkError

OK, FAILED, USAGE, BUSY, INTERRUPTED = 0, 1, 2, 3, 130

CODES: Mapping[type[Exception], int] = {
    SettingsError: USAGE,
    PlanError: USAGE,
    PublishError: USAGE,
    LockedError: BUSY,
    BugError: FAILED,
    WorkError: FAILED,
    LookupError: FAILED,
}
"""What is expected to go wrong, and the exit code for it; anything else is a bug, with a traceback."""

EXIT_CODES = """\
exit codes:
  0    done (also when there was nothing new)
  1    failed: an error of copydesk, damage found by verify, a rule that breaks its examples, an id that is not there
  2    cannot start: a wrong option or setting, no readable raw folder, an output that cannot be written
  3    another run is at work on the same output
  130  interrupted

settings come from copydesk.toml, then COPYDESK_… variables, then options; see docs/settings.md
"""


MOST_DIGITS = 6
"""Digits of a number on the command line: nobody tries a million records at a time."""
ALL_IS_WELL = "all is well: files, counts, raw files, texts and edits agree"
REMEDY = "`copydesk ingest` takes in changed raw files; `copydesk backfill --reprocess all` writes damaged days again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    try:
        code = _flushed(arguments)
    except tuple(CODES) as error:
        code = _failed(error, next(code for kind, code in CODES.items() if isinstance(error, kind)))
    except KeyboardInterrupt:
        code = _failed("interrupted", INTERRUPTED)
    except BrokenPipeError:
        code = _unread()
    return code


def _flushed(arguments: Sequence[str] | None) -> int:
    """As `_run`; whatever was printed is written, so that a broken pipe shows here and not at the very end."""
    try:
        return _run(_parser().parse_args(arguments))
    finally:
        sys.stdout.flush()


def _run(options: argparse.Namespace) -> int:
    # A one-shot run says itself what happened; a server keeps the log level of Prefect.
    if options.command in ("ingest", "backfill"):
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "CRITICAL")
        os.environ.setdefault("PREFECT_LOGGING_INTERNAL_LEVEL", "CRITICAL")
    return COMMANDS[options.command](options, _settings(options))


def _unread() -> int:
    """The reader of our output has had enough (`copydesk show … | head`); that is no failure."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OK


def _failed(error: object, code: int) -> int:
    print(f"copydesk: {inert_line(str(error))}", file=sys.stderr)
    return code


def _settings(options: argparse.Namespace) -> Settings:
    said: Mapping[str, object] = vars(options)
    return configuration.load(options.config, flags={name: said.get(name) for name in ("raw", "out", "workers")})


# ── commands ────────────────────────────────────────────────────────────────────────────────


def _ingest(options: argparse.Namespace, settings: Settings) -> int:
    _check(settings)
    from flows.ingest import check_server, ingest, stop_when_told

    check_server()
    stop_when_told()
    ingest(settings.raw, settings.out, settings.workers, options.config, options.prune)
    return OK


def _check(settings: Settings) -> None:
    """Find out within a moment, before Prefect is started, what the run would find out too."""
    check_raw(settings)
    with locked(settings):
        _give_prefect_a_home(settings)


def _give_prefect_a_home(settings: Settings) -> None:
    """Where the home folder cannot be written (a container), Prefect keeps its state in the output."""
    home = Path("~").expanduser()
    folders = (home, home / ".prefect") if (home / ".prefect").exists() else (home,)
    if not all(folder.is_dir() and os.access(folder, os.W_OK) for folder in folders):
        os.environ.setdefault("PREFECT_HOME", str(settings.out.absolute() / ".prefect"))


def _backfill(options: argparse.Namespace, settings: Settings) -> int:
    check_raw(settings)
    if options.since > options.until:
        raise SettingsError(f"--from {options.since} is after --to {options.until}")
    if options.dry_run:
        return _dry_run(Selection(options.since, options.until, options.reprocess), settings)
    _check(settings)
    from flows.backfill import backfill
    from flows.ingest import check_server, stop_when_told

    check_server()
    stop_when_told()
    backfill(
        options.since,
        options.until,
        options.reprocess,
        settings.raw,
        settings.out,
        settings.workers,
        options.config,
    )
    return OK


def _dry_run(selection: Selection, settings: Settings) -> int:
    from flows.status import dry_run

    plan = make_plan(settings, cleaning_fingerprint(settings), accepted_inputs(settings), selection, frozenset())
    return _print(dry_run(plan, selection))


def _serve(options: argparse.Namespace, settings: Settings) -> int:
    from flows.deployments import serve

    serve(settings, options.cron, options.timezone, options.config)
    return OK


def _show(options: argparse.Namespace, settings: Settings) -> int:
    from flows.show import show

    return _print(show(options.target, settings))


def _verify(_options: argparse.Namespace, settings: Settings) -> int:
    from flows.verify import note, verify

    findings = 0
    for finding in verify(settings):
        findings += 1
        print(inert_line(finding), flush=True)
    if not findings:
        _print(note(settings))
    print(f"{findings} findings; {REMEDY}" if findings else ALL_IS_WELL)
    return FAILED if findings else OK


def _status(_options: argparse.Namespace, settings: Settings) -> int:
    from flows.status import status

    return _print(status(settings))


def _rules(options: argparse.Namespace, settings: Settings) -> int:
    return RULES[options.action](options, settings)


def _learn(options: argparse.Namespace, settings: Settings) -> int:
    from flows.learn import LEAST_ARTICLES, learn, sites

    least = options.min_articles or LEAST_ARTICLES
    if options.site is None:
        return _print(sites(least, settings))
    return _print(learn(options.site, least, options.write, settings))


def _list(options: argparse.Namespace, settings: Settings) -> int:
    from flows.rules import listing

    return _print(listing(options.language, settings))


def _test(options: argparse.Namespace, settings: Settings) -> int:
    from flows.rules import SAMPLE, report, trial

    found = trial(options.target, options.sample or SAMPLE, settings)
    _print(report(found))
    return FAILED if found.broken else OK


def _print(lines: Iterable[RenderableType]) -> int:
    console = _Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for line in lines:
        console.print(line)
    return OK


class _Console(Console):
    """A console that leaves a broken pipe to `main`, where rich would end the process."""

    def on_broken_pipe(self) -> None:
        """Pass it on."""
        raise BrokenPipeError


COMMANDS: Mapping[str, Callable[[argparse.Namespace, Settings], int]] = {
    "ingest": _ingest,
    "backfill": _backfill,
    "serve": _serve,
    "show": _show,
    "verify": _verify,
    "status": _status,
    "rules": _rules,
}
RULES: Mapping[str, Callable[[argparse.Namespace, Settings], int]] = {"learn": _learn, "list": _list, "test": _test}


# ── options ─────────────────────────────────────────────────────────────────────────────────


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="copydesk",
        description="Turn folders of scraped news into clean, deduplicated Parquet in which every change is explained.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"copydesk {version('copydesk')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_ingest(commands)
    _add_backfill(commands)
    _add_serve(commands)
    _add_readers(commands)
    _add_rules(commands)
    return parser


_Commands = argparse._SubParsersAction  # noqa: SLF001 - argparse gives the type no public name


def _add_ingest(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "ingest", "clean what is new or changed in the raw folder, and publish", _INGEST)
    _add_work(command)
    command.add_argument("--prune", action="store_true", help="forget the articles of raw files that have vanished")


def _add_backfill(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "backfill", "clean the files of some days again, and publish once", _BACKFILL)
    _add_work(command)
    day = {"type": _day, "required": True, "metavar": "YYYY-MM-DD"}
    command.add_argument("--from", dest="since", help="the first ingest date", **day)  # type: ignore[arg-type]
    command.add_argument("--to", dest="until", help="the last ingest date, included", **day)  # type: ignore[arg-type]
    command.add_argument(
        "--reprocess",
        choices=("missing", "changed", "all"),
        default="missing",
        help="missing: what has no results (default); changed: also what was cleaned from other bytes or by other "
        "rules; all: everything",
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be done, day by day, and stop")


def _add_serve(commands: _Commands[argparse.ArgumentParser]) -> None:
    command = _command(commands, "serve", "serve ingest (on a schedule) and backfill (on demand) to Prefect", _SERVE)
    _add_work(command)
    command.add_argument("--cron", metavar="EXPR", help='when to ingest, for example "15 * * * *"; never without it')
    command.add_argument("--timezone", metavar="ZONE", default="UTC", help="time zone of --cron (default: UTC)")


def _add_readers(commands: _Commands[argparse.ArgumentParser]) -> None:
    show = _command(commands, "show", "show a record: its source, the removals struck out, the rule beside each", _SHOW)
    show.add_argument("target", metavar="ID|FILE", help="an id (or a unique start of one), or a raw file")
    _add_folders(show)
    _add_folders(_command(commands, "verify", "check the published state against itself and the raw files", _VERIFY))
    _add_folders(_command(commands, "status", "say what is published, day by day", _STATUS))


def _add_rules(commands: _Commands[argparse.ArgumentParser]) -> None:
    rules = _command(commands, "rules", "list the residue rules, try them, or learn new ones", _RULES)
    actions = rules.add_subparsers(dest="action", required=True, metavar="ACTION")
    learn = _command(actions, "learn", "propose rules for lines that recur in the articles of a site", _LEARN)
    learn.add_argument("--site", help="the site, as in the column `site`; without it, the sites are listed")
    learn.add_argument(
        "--min-articles",
        metavar="N",
        type=_from_two,
        help="articles in which a line must stand (default: 5)",
    )
    learn.add_argument("--write", metavar="FILE", type=Path, help="the file to write (default: any-SITE.toml, here)")
    _add_folders(learn)
    listed = _command(actions, "list", "every rule in force, a line each", _LIST)
    listed.add_argument("--language", metavar="CODE", help="only the rules that meet texts in this language")
    _add_folders(listed)
    test = _command(actions, "test", "what rules remove from raw files, and which never fire", _TEST)
    test.add_argument("target", nargs="?", metavar="FILE", type=Path, help="a file of rules (.toml), or a raw file")
    test.add_argument("--sample", metavar="N", type=_from_one, help="records to try at the most (default: 200)")
    _add_folders(test)


def _command(
    commands: _Commands[argparse.ArgumentParser], name: str, summary: str, description: str
) -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    return commands.add_parser(name, help=summary, description=description, epilog=EXIT_CODES, formatter_class=raw)


def _add_work(command: argparse.ArgumentParser) -> None:
    _add_folders(command)
    command.add_argument("--workers", metavar="N", help="processes that clean at the same time (default: one per core)")


def _add_folders(command: argparse.ArgumentParser) -> None:
    command.add_argument("--raw", metavar="DIR", help="folder with the scraped files (default: raw)")
    command.add_argument("--out", metavar="DIR", help="folder for everything that is written (default: processed)")
    command.add_argument("--config", metavar="FILE", type=Path, help="settings (default: copydesk.toml, if there)")


def _from_one(text: str) -> int:
    return _whole(text, 1)


def _from_two(text: str) -> int:
    return _whole(text, 2)


def _whole(text: str, least: int) -> int:
    if not text.isdecimal() or len(text) > MOST_DIGITS or int(text) < least:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} on")
    return int(text)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2024-10-01") from error


_INGEST = """\
Read every raw file that is new or has changed, clean it, find the duplicates in the whole
dataset, and publish the new state in one step. Running it again changes nothing.

  copydesk ingest
  copydesk ingest --raw /data/scraped --out /data/news --workers 8
"""
_BACKFILL = """\
Clean the raw files whose ingest date lies in a range, then publish once. The ingest date of a
file is the date in its path, else of its sidecar, its first record, its modification time.

  copydesk backfill --from 2024-10-01 --to 2024-10-31 --reprocess changed --dry-run
"""
_SERVE = """\
Serve two deployments to Prefect from this process: ingest/ingest, on the schedule if there is
one, and backfill/backfill, on demand. Set PREFECT_API_URL to the address of your server.

  prefect server start &
  PREFECT_API_URL=http://127.0.0.1:4200/api copydesk serve --cron "15 * * * *"
  prefect deployment run backfill/backfill --param since=2024-10-01 --param until=2024-10-31
"""
_SHOW = """\
With an id: the published article or duplicate, its source rebuilt from text and edits.
With a file: its records, cleaned now by the rules of now; nothing is written.
"""
_VERIFY = """\
Check every table file against its digest, every count against the rows, every raw file against
what was read, and of every article that text and edits give the text of the raw file again.
"""
_STATUS = "Say what is published: counts day by day, rejects by reason, files that are gone or were skipped."
_RULES = """\
What the residue rules are and what they do, and a proposal of new ones. None of this changes
what is published: a rule counts when its file is packaged or named in copydesk.toml.

  copydesk rules list
  copydesk rules test
  copydesk rules learn --site ledger.example
"""
_LEARN = """\
Find whole lines that recur across the published articles of a site, whatever their case and
numbers, and write a proposed file of rules for them. The file says how to accept it. A file
that is there is never written over.

  copydesk rules learn
  copydesk rules learn --site ledger.example --min-articles 10 --write rules/any-ledger.toml
"""
_LIST = """\
Every rule in force, those of your own files too: its id, whether it removes, votes or notes, its scope,
its zone, its family, and why it is there.

  copydesk rules list --language de
"""
_TEST = """\
With a file of rules: do they keep to their examples, what would they remove from a sample of
the raw folder, and which never fire? With a raw file, or without one: the same of the rules in
force, on the records of that file or on the sample. Nothing is written. The sample is always
the same records, spread over the files; a rule that breaks its own examples is exit code 1.

  copydesk rules test any-ledger.toml
  copydesk rules test raw/sample/2024-10-14/ferry-talks.txt
  copydesk rules test --sample 2000
"""


if __name__ == "__main__":
    sys.exit(main())
