"""How much residue goes from labelled news, and what goes with it: measured on the tables of `copydesk ingest`.

    python tests/benchmarks/residue.py                              # the curve over the operating points, and `normal`
    python tests/benchmarks/residue.py --point eager --errors 20    # one operating point, and what it costs most
    python tests/benchmarks/residue.py --write-floors               # what tests/test_residue_quality.py asks for

The data, the measures and the rules for floors: docs/evaluation.md.
"""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha1, sha256
from math import ceil, floor
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq

from cleaners import pipeline
from cleaners.characters import LAYOUT
from cleaners.edits import clean_on
from cleaners.extract import extract
from cleaners.head import read_head
from cleaners.model import Knowledge, Origin, Page, Raw
from flows import knowledge as tables
from flows.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
EVALUATION = Path(os.environ.get("COPYDESK_EVAL", ROOT.parent / "shared" / "eval"))
FLOORS = ROOT / "tests" / "floors" / "residue.json"

FILES = ("gold", "more")
POINTS = ("off", "careful", "normal", "eager")
"""The operating points of the line model, from nothing to most."""
DEFAULT = "normal"
FOLDS = 5
"""Sites are dealt into so many heaps by a hash of their names. The first is set aside: nobody reads its errors."""

Row = dict[str, Any]
"""What the scorer says of a document, and its `file`."""

# ── measuring ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Measured:
    """What came of the labelled documents at one operating point."""

    rows: Sequence[Row]
    rejects: Counter[str]
    """Records that became rejects, by reason. They count as empty texts."""


def measure(evaluation: Path, files: Iterable[str], point: str) -> Measured:
    """Clean the documents of `files` as a user would, and score every text."""
    documents = [document for name in files for document in labelled(evaluation, name)]
    texts, rejects = cleaned(documents, point)
    assert len(texts) + rejects.total() == len(documents), "ids are not unique, or records are lost"
    judge = scorer(evaluation)
    return Measured([_scored(judge, document, texts.get(document["id"], "")) for document in documents], rejects)


def labelled(evaluation: Path, name: str) -> list[dict[str, Any]]:
    """The labelled documents of a file; each knows the name of the file."""
    with (evaluation / "residue" / f"{name}.jsonl").open(encoding="utf-8") as stream:
        return [json.loads(line) | {"file": name} for line in stream]


def scorer(evaluation: Path) -> ModuleType:
    """The module that compares a text with the labels; it lies beside the data."""
    sys.path.insert(0, str(evaluation))
    try:
        return importlib.import_module("score_residue")
    finally:
        sys.path.remove(str(evaluation))


def cleaned(documents: Iterable[Mapping[str, Any]], point: str) -> tuple[dict[str, str], Counter[str]]:
    """The clean text of every document by its id, and the reasons of rejects."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _write(documents, folder / "raw" / "2024-10-14")
        _ingest(folder, point)
        kept = [row for table in ("articles", "duplicates") for row in _read(folder, table)]
        rejects = Counter(row["reason"] for row in _read(folder, "rejects"))
    return {row["source_record_id"]: _text(row) for row in kept}, rejects


def _write(documents: Iterable[Mapping[str, Any]], folder: Path) -> None:
    folder.mkdir(parents=True)
    with (folder / "news.jsonl").open("w", encoding="utf-8") as stream:
        for document in documents:
            record = {key: document[key] for key in ("id", "text", "url") if document.get(key)}
            stream.write(json.dumps(record) + "\n")


def _ingest(folder: Path, point: str) -> None:
    """Run the command in a process of its own, with an empty home and with no other settings."""
    config = folder / "copydesk.toml"
    config.write_text(f'[clean]\nline_model = "{point}"\n', encoding="utf-8")
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}
    paths = ("--config", config, "--raw", folder / "raw", "--out", folder / "processed")
    command = [sys.executable, "-m", "flows", "ingest", *map(str, paths), "--workers", "2"]
    environment = surroundings | {"HOME": str(folder)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        raise RuntimeError(f"copydesk ingest failed: {done.stderr}")


def _read(folder: Path, table: str) -> list[Row]:
    found: list[Row] = pq.read_table(folder / "processed" / table).to_pylist()
    return found


def _text(row: Row) -> str:
    """The text, below the headline where that was taken from the text: it moved, and is not lost."""
    return f"{row['title']}\n{row['text']}" if row["title_source"] == "text" else str(row["text"])


def _scored(judge: ModuleType, document: Mapping[str, Any], text: str) -> Row:
    row: Row = judge.score_doc(document, {"id": document["id"], "text": text})
    return row | {"file": document["file"]}


def is_set_aside(row: Row) -> bool:
    """Whether a document is of a site whose errors nobody reads: they show what is learnt and not remembered."""
    return int(sha1(row["site"].encode()).hexdigest(), 16) % FOLDS == 0  # noqa: S324 - spreads, does not protect


GROUPS: Mapping[str, Callable[[Row], bool]] = {
    "gold": lambda row: row["file"] == "gold",
    "more": lambda row: row["file"] == "more",
    "together": lambda _row: True,
    "set_aside": is_set_aside,
    "others": lambda row: not is_set_aside(row),
}
"""The sets of documents that figures are given for."""


def group(rows: Iterable[Row], name: str) -> list[Row]:
    """The documents of a group."""
    return [row for row in rows if GROUPS[name](row)]


def figures(judge: ModuleType, rows: Sequence[Row]) -> dict[str, float]:
    """The measures of a set of documents, as docs/evaluation.md explains them; none that has nothing to measure."""
    total = judge.agg(rows)
    found = {
        "recall": total["recall"],
        "macro_recall": total["macro_recall"],
        "perfect": total["perfect_residue_docs"],
        "content_loss": total["content_loss"],
        "losing_a_sentence": total["docs_losing_sentence"] / total["docs"],
    }
    return {name: value for name, value in found.items() if value is not None}


def adversarial(rows: Iterable[Row]) -> list[Row]:
    """The articles about newsletters, cookies, sign-ups …, whose own words look like residue."""
    return [row for row in rows if row["stratum"] == "adversarial"]


def sentences_lost(rows: Iterable[Row]) -> int:
    """How many whole sentences of articles are gone."""
    return sum(row["lost_sent"] for row in rows)


# ── cost ────────────────────────────────────────────────────────────────────────────────────

CHARACTERS = 3_000
"""What costs are given for: the length of an ordinary article."""
PLAIN = re.compile(r"(?i)\b(?:advertisement|share this|sign up|subscribe|read more|follow us|leave a comment)\b")


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU milliseconds per 3,000 characters, on one thread: the median over documents."""

    documents: int
    ours: float
    plain: float
    """Of splitting into words and searching for one pattern: what the machine is worth just now."""


def cost(evaluation: Path, most: int, point: str) -> Cost:
    """What taking residue out of scraped articles costs, every change recorded."""
    known = tables.load(Settings(line_model=point))
    pages = [page for raw in _scraped(evaluation, most) if isinstance(page := extract(raw), Page)]
    ours, plain = list[float](), list[float]()
    for page in pages:
        language, title = pipeline._language(page).code, page.title
        scale = 1_000 * CHARACTERS / len(page.text)
        ours.append(scale * _cpu(partial(_without_residue, page, title, language, known)))
        plain.append(scale * _cpu(partial(_plainly, page.text)))
    return Cost(len(pages), median(ours), median(plain))


def _scraped(evaluation: Path, most: int) -> list[Raw]:
    """Up to `most` articles, evenly from the whole collection."""
    with gzip.open(evaluation.parent / "corpus" / "news-en.jsonl.gz", "rt", encoding="utf-8") as stream:
        lines = stream.readlines()
    records = map(json.loads, lines[:: max(1, len(lines) // most)][:most])
    return [
        Raw(Origin("news"), record["text"], "text/plain", metadata={"title": record["title"], "url": record["url"]})
        for record in records
    ]


def _without_residue(page: Page, title: str | None, language: str, known: Knowledge) -> None:
    """The steps of `pipeline._draft` between the language of a text and its clean form."""
    lines = pipeline._clean_lines(page, title, language, known)
    head = read_head(lines.cleaned.text, title, language, known)
    rest = (lambda _text: head.edits, lambda text: pipeline._left_over(text, lines.waiting), *LAYOUT)
    clean_on(page.text, lines.cleaned, rest)


def _plainly(text: str) -> list[list[str]]:
    """The words of the lines in which one pattern finds nothing."""
    return [line.split() for line in text.split("\n") if not PLAIN.search(line)]


def _cpu(work: Callable[[], object]) -> float:
    """CPU seconds of the quickest of three runs; the first also fills caches."""
    seconds = list[float]()
    for _ in range(3):
        start = process_time()
        work()
        seconds.append(process_time() - start)
    return min(seconds)


# ── floors ──────────────────────────────────────────────────────────────────────────────────

FLOORED = ("gold", "more", "set_aside")
AT_LEAST: Mapping[str, float] = {"recall": 0.002, "macro_recall": 0.002, "perfect": 0.005}
AT_MOST: Mapping[str, float] = {"content_loss": 0.0001, "losing_a_sentence": 0.0}
"""The slack of each figure, for what another version of a library may change: of recall a few words, of perfect
documents about one. Losing one sentence more than before is never noise."""


def write_floors(evaluation: Path, rows: Sequence[Row]) -> list[str]:
    """Write what is demanded from now on. Return the figures of the same data of which less is demanded."""
    judge = scorer(evaluation)
    wanted = {name: _slackened(figures(judge, group(rows, name))) for name in FLOORED if group(rows, name)}
    wanted |= {"adversarial": {"sentences_lost": 0}}
    new = {"data": digests(evaluation), "floors": wanted}
    old = json.loads(FLOORS.read_text(encoding="utf-8")) if FLOORS.exists() else {"data": {}, "floors": {}}
    FLOORS.parent.mkdir(exist_ok=True)
    FLOORS.write_text(json.dumps(new, indent=2) + "\n", encoding="utf-8")
    return _weaker(old["floors"], wanted) if old["data"] == new["data"] else []


def _slackened(measured: Mapping[str, float]) -> dict[str, float]:
    return {name: _slack(name, value) for name, value in measured.items()}


def _slack(figure: str, value: float) -> float:
    """A floor of recall is rounded down to thousandths, a ceiling of loss up to hundredths of a percent."""
    if figure in AT_LEAST:
        return max(0.0, floor(1e3 * (value - AT_LEAST[figure])) / 1e3)
    return ceil(1e4 * (value + AT_MOST[figure])) / 1e4


def _weaker(old: Mapping[str, Mapping[str, float]], new: Mapping[str, Mapping[str, float]]) -> list[str]:
    return [
        f"{name}.{figure}: {before} before, {new[name][figure]} now"
        for name, wanted in old.items()
        for figure, before in wanted.items()
        if not is_met(figure, new[name][figure], before)
    ]


def is_met(figure: str, value: float, demanded: float) -> bool:
    """Whether a figure is as good as is demanded."""
    return value >= demanded if figure in AT_LEAST else value <= demanded


def digests(evaluation: Path) -> dict[str, str]:
    """SHA-256 of the files that floors belong to, `absent` where there is none."""
    files = (*(f"residue/{name}.jsonl" for name in FILES), "score_residue.py")
    return {name: _digest(evaluation / name) for name in files}


def _digest(file: Path) -> str:
    return sha256(file.read_bytes()).hexdigest() if file.is_file() else "absent"


# ── telling ─────────────────────────────────────────────────────────────────────────────────

COLUMNS = f"{'documents':>10}{'recall':>8}{'macro':>8}{'loss':>9}{'sentence':>10}{'adversarial':>13}{'perfect':>9}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if not all((EVALUATION / "residue" / f"{name}.jsonl").is_file() for name in options.files):
        parser.error(f"no labelled news in {EVALUATION / 'residue'}; set COPYDESK_EVAL")
    if options.write_floors:
        return _floors()
    judge = scorer(EVALUATION)
    found = {point: measure(EVALUATION, options.files, point) for point in options.point or POINTS}
    for point in options.point or (DEFAULT,):
        _print_point(judge, point, found[point])
        _print_errors(judge, found[point].rows, options.errors)
        if options.cost:
            _print_cost(cost(EVALUATION, options.cost, point))
    if len(found) > 1:
        _print_curve(judge, {point: measured.rows for point, measured in found.items()})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--point", nargs="+", choices=POINTS, help="only these operating points, each in detail")
    parser.add_argument("--files", nargs="+", choices=FILES, default=FILES, help="the labelled files (default: all)")
    parser.add_argument(
        "--errors", type=int, default=0, metavar="N", help="the N largest errors, of sites not set aside"
    )
    parser.add_argument("--cost", type=int, default=300, metavar="N", help="time N scraped articles (default: 300)")
    parser.add_argument("--write-floors", action="store_true", help=f"measure {DEFAULT}, and demand that from now on")
    return parser


def _floors() -> int:
    rows, judge = measure(EVALUATION, FILES, DEFAULT).rows, scorer(EVALUATION)
    _print_groups(judge, rows)
    weaker = write_floors(EVALUATION, rows)
    print(f"\n{FLOORS.relative_to(ROOT)} is written")
    if weaker:
        print("less is demanded than before, which needs a reason:", *weaker, sep="\n  ")
    if lost := sentences_lost(adversarial(rows)):
        print(f"the tests will fail: {lost} sentences of adversarial articles are lost, and none may be")
    return 0


def _print_point(judge: ModuleType, point: str, measured: Measured) -> None:
    print(f"\n== {point}\n")
    _print_groups(judge, measured.rows)
    print("\nrejects:", ", ".join(f"{n} {reason}" for reason, n in sorted(measured.rejects.items())) or "none")
    _print_families(judge, measured.rows)
    _print_languages(judge, measured.rows)


def _print_groups(judge: ModuleType, rows: Sequence[Row]) -> None:
    print(f"{'':14}{COLUMNS}")
    for name in GROUPS:
        if chosen := group(rows, name):
            print(f"{name:14}{_line(judge, chosen)}")


def _print_curve(judge: ModuleType, found: Mapping[str, Sequence[Row]]) -> None:
    for name in ("together", "set_aside"):
        print(f"\n{name:14}{COLUMNS}")
        for point, rows in found.items():
            if chosen := group(rows, name):
                print(f"{point:14}{_line(judge, chosen)}")


def _line(judge: ModuleType, rows: Sequence[Row]) -> str:
    of = figures(judge, rows)
    losing = sum(row["lost_sent"] > 0 for row in adversarial(rows))
    return (
        f"{len(rows):10}{_three(of.get('recall')):>8}{_three(of.get('macro_recall')):>8}{of['content_loss']:9.2%}"
        f"{of['losing_a_sentence']:10.1%}{losing:13}{_three(of.get('perfect')):>9}"
    )


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _print_families(judge: ModuleType, rows: Sequence[Row]) -> None:
    print(f"\n{'family':24}{'documents':>10}{'tokens':>8}{'recall':>8}{'spans':>8}{'whole':>8}")
    words, spans = judge.fold(rows, "fam"), judge.fold(rows, "span")
    for family in sorted(words, key=lambda name: -words[name][0]):
        (tokens, gone, documents), (count, whole, _) = words[family], spans[family]
        print(f"{family:24}{documents:10}{tokens:8}{gone / tokens:8.3f}{count:8}{whole / count:8.3f}")


def _print_languages(judge: ModuleType, rows: Sequence[Row]) -> None:
    by_language = defaultdict[str, list[Row]](list)
    for row in rows:
        by_language[row["lang"]].append(row)
    print(f"\n{'language':14}{COLUMNS}")
    for language in sorted(by_language, key=lambda name: (-len(by_language[name]), name)):
        print(f"{language:14}{_line(judge, by_language[language])}")


def _print_errors(judge: ModuleType, rows: Sequence[Row], most: int) -> None:
    """The most words of residue that stayed, whole or in part, and of content that went; never of sites set aside."""
    mine = [row for row in rows if not is_set_aside(row)]
    stayed = [(row["id"], family, span) for row in mine for family, spans in row["left"].items() for span in spans]
    went = [(row["id"], "content", unit) for row in mine for unit in row["lost"]]
    for title, errors in (("residue that stayed", stayed), ("content that went", went)) if most else ():
        print(f"\n{title} ({len(errors)})")
        for where, family, text in sorted(errors, key=lambda error: -len(judge.tokens(error[2])))[:most]:
            print(f"  {where} {family} [{len(judge.tokens(text))} words] {' / '.join(text.split(chr(10)))[:160]}")


def _print_cost(found: Cost) -> None:
    print(
        f"\n{found.ours:.2f} ms of CPU per {CHARACTERS:,} characters (median of {found.documents} articles), "
        f"{found.ours / found.plain:.0f} times splitting into words and one pattern ({found.plain:.3f} ms)"
    )


if __name__ == "__main__":
    raise SystemExit(main())
