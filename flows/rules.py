"""`copydesk rules list` and `copydesk rules test`: what the rules are, and what they remove from raw files.

Rules are tried on a sample of the raw folder: always the same records, spread over the files.
Nothing is written.
"""

from __future__ import annotations

import os
import tomllib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from hashlib import sha256
from heapq import nsmallest
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import BinaryIO, cast

from rich.text import Text

from cleaners.characters import CHARACTERS
from cleaners.edits import Cleaner, Edit, apply, clean, revert
from cleaners.extract import extract
from cleaners.language import detect
from cleaners.model import Knowledge, Origin, Raw, Reject, Rule
from cleaners.pipeline import ALL_LANGUAGES, cleaners
from cleaners.residue import parse_rules, residue
from flows import knowledge
from flows.plan import check_raw, entries, read_sidecar, sidecar_bytes
from flows.readers import LINES, READERS, Context, Records, media_kind, opened
from flows.settings import Settings
from flows.show import NotFoundError
from flows.terminal import inert_line
from flows.work import record_id, refined

SAMPLE = 200
"""Records of a sample, unless somebody asks for more: some seconds of cleaning."""
WINDOW = 8
"""From how many times as many records, the first of a file, its share of the sample is chosen."""
EXAMPLES = 3
"""Removals that are shown of each rule."""
WIDTH = 100
"""Code points of a removal that are shown."""
NO_DAY = date.min
"""The ingest date of a record that is only tried: no rule asks for it, and to find it costs a reading."""
PROSE = (
    "The harbor board voted on Monday to delay the building of the new dike until spring, and the mayor agreed.",
    "Nobody on the ferry that morning knew that the lock had been closed since the storm of the night before.",
)
"""Two paragraphs, which no rule may touch, for examples to stand between."""


# ── list ────────────────────────────────────────────────────────────────────────────────────


def listing(language: str | None, settings: Settings) -> Iterator[Text | str]:
    """Every rule in force, a line each; with a `language`, the rules that meet texts in it."""
    rules = knowledge.load(settings).rules
    shown = [rule for rule in rules if language is None or rule.language in (*ALL_LANGUAGES, language)]
    width = max((len(rule.id) for rule in shown), default=0)
    for rule in shown:
        yield Text(f"{inert_line(rule.id):{width}}", "bold").append(f"  {_spoken(rule)}", "not bold")
    if language and language not in {rule.language for rule in rules}:
        yield f"no rules are written for {inert_line(language)}; its texts meet those of {' and '.join(ALL_LANGUAGES)}"
    effects = Counter(rule.effect for rule in shown)
    yield f"{len(shown)} rules: {effects['remove']} remove, {effects['vote']} vote, {effects['note']} note"


def _spoken(rule: Rule) -> str:
    where = f"only {', '.join(rule.sites)}: " if rule.sites else ""
    said = f"{rule.effect:6}  {rule.scope:4}  {rule.zone:4}  {rule.family:22}  {where}{rule.why}"
    return inert_line(said)


# ── test ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Removal:
    """What a rule removed, and from which record."""

    origin: Origin
    text: str


@dataclass(slots=True)
class Trial:
    """What came of trying rules: filled record by record."""

    rules: tuple[Rule, ...]
    broken: tuple[str, ...]
    """What contradicts the examples of the rules, a line each."""
    records: int = 0
    files: set[str] = field(default_factory=set)
    articles: int = 0
    rejects: Counter[str] = field(default_factory=Counter)
    """How many records are no articles, for which reason."""
    emptied: list[Origin] = field(default_factory=list)
    """Records of which nothing is left."""
    met: Counter[str] = field(default_factory=Counter)
    """For each rule the articles in its language and of its sites."""
    fired: Counter[str] = field(default_factory=Counter)
    """For each rule the articles from which it removed something; of one that votes or notes, where it matched."""
    removals: dict[str, list[Removal]] = field(default_factory=lambda: defaultdict(list))


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the rules made of an article."""

    language: str
    site: str | None
    source: str
    edits: tuple[Edit, ...]


def trial(target: Path | None, size: int, settings: Settings) -> Trial:
    """Try rules on at most `size` records.

    A target that ends in `.toml` is a file of rules, tried on a sample of the raw folder; another
    is a raw file, on which the rules in force are tried; without one these meet the sample.

    Raises:
        NotFoundError: if there is no such file, or none that can be read.
        PlanError: if the raw folder cannot be read or is empty.
        SettingsError: if a file of rules says something impossible.
    """
    if target is not None:
        _check(target)
    if target is not None and target.suffix == ".toml":
        known, rules = _with_file(target, settings)
        return _tried(known, rules, sampled(size, settings))
    known = knowledge.load(settings)
    if target is None:
        return _tried(known, known.rules, sampled(size, settings))
    return _tried(known, known.rules, _of_file(target, size, settings))


def _check(target: Path) -> None:
    try:
        is_there = target.is_file()
    except OSError as error:
        raise NotFoundError(f"{target} cannot be read: {error.strerror}") from error
    if not is_there:
        raise NotFoundError(f"there is no file {target}")


def _with_file(path: Path, settings: Settings) -> tuple[Knowledge, tuple[Rule, ...]]:
    """The knowledge with the rules of a file, whether or not they are in force, and these rules."""
    packaged = Path(str(resources.files("cleaners") / "rules"))
    in_force = {file.resolve() for file in (*settings.rules, *packaged.glob("*.toml"))}
    accepted = settings if path.resolve() in in_force else replace(settings, rules=(*settings.rules, path))
    known = knowledge.load(accepted)
    stem = path.name.removesuffix(".toml")
    own = {rule.id for rule in parse_rules({stem: tomllib.loads(path.read_text(encoding="utf-8"))})}
    return known, tuple(rule for rule in known.rules if rule.id in own)


def _tried(known: Knowledge, rules: tuple[Rule, ...], records: Records) -> Trial:
    found = Trial(rules, tuple(contradictions(rules, known.rules)))
    signs = _signs(rules)
    for record in records:
        found.records += 1
        found.files.add(record.origin.path)
        seen = _seen(record, known) if isinstance(record, Raw) else record
        if isinstance(seen, Reject):
            found.rejects[seen.reason] += 1
        else:
            _note(found, record.origin, seen, signs)
    return found


def _seen(raw: Raw, known: Knowledge) -> _Seen | Reject:
    """What the rules make of a record; a reject if it is no article, for other reasons than rules."""
    outcome = refined(raw, known)
    if not isinstance(outcome, Reject):
        source = revert(outcome.text, outcome.edits)
        return _Seen(outcome.language.code, outcome.site, source, outcome.edits)
    page = extract(raw) if outcome.reason == "all-residue" else outcome
    if isinstance(page, Reject):
        return page
    language = detect(page.text).code
    return _Seen(language, page.site, page.text, clean(page.text, cleaners(language, known, page.site)).edits)


_Signs = Callable[[frozenset[str]], tuple[Cleaner, ...]]
"""Cleaners for the rules with these ids that remove nothing, as if they did: what they match can be shown."""


def _signs(rules: Iterable[Rule]) -> _Signs:
    signs = [replace(rule, effect="remove") for rule in rules if rule.effect != "remove"]
    return cache(lambda meeting: residue([rule for rule in signs if rule.id in meeting]))


def _note(found: Trial, origin: Origin, seen: _Seen, cleaners_of: _Signs) -> None:
    meeting = frozenset(rule.id for rule in found.rules if _meets(rule, seen))
    found.articles += 1
    found.met.update(meeting)
    signs = clean(seen.source, (*CHARACTERS, *cleaners_of(meeting))).edits
    removals = {(name, edit) for edit in (*seen.edits, *signs) for name in edit.rules if name in meeting}
    found.fired.update({name for name, _ in removals})
    for name, edit in sorted(removals, key=lambda pair: (pair[0], pair[1].start)):
        shown = found.removals[name]
        if len(shown) < EXAMPLES and edit.old.strip() not in {removal.text for removal in shown}:
            shown.append(Removal(origin, edit.old.strip()))
    if not _left(seen):
        found.emptied.append(origin)


def _meets(rule: Rule, seen: _Seen) -> bool:
    return rule.language in (*ALL_LANGUAGES, seen.language) and (not rule.sites or seen.site in rule.sites)


def _left(seen: _Seen) -> bool:
    """Whether anything but spaces is left of an article."""
    return bool(apply(seen.source, seen.edits).strip())


# ── the examples of a rule ──────────────────────────────────────────────────────────────────


def contradictions(rules: Iterable[Rule], known: Sequence[Rule]) -> Iterator[str]:
    """What `rules` do to their own examples that they should not, or another rule that meets the same texts does."""
    met = dict[tuple[str, tuple[str, ...]], tuple[Cleaner, ...]]()
    for rule in rules:
        key = (rule.language, rule.sites)
        together = met.get(key) or residue([other for other in known if _meet(rule, other)])
        met[key] = together
        alone = residue((replace(rule, effect="remove", zone="any"),))
        yield from (_unremoved(rule, line) for line in rule.removes if _stays(line, _between(rule, line), alone))
        for line in rule.keeps:
            names = {name for text in _around(line) for way in (alone, together) for name in _takers(line, text, way)}
            if names:
                yield f"{rule.id} has an example to keep, {_short(line)}, which {', '.join(sorted(names))} removes"


def _meet(rule: Rule, other: Rule) -> bool:
    """Whether two rules can meet the same text."""
    same_site = not (rule.sites and other.sites) or bool(set(rule.sites) & set(other.sites))
    return same_site and (rule.language == other.language or bool({rule.language, other.language} & {*ALL_LANGUAGES}))


def _unremoved(rule: Rule, line: str) -> str:
    reason = (
        "" if any(cue in line.casefold() for cue in rule.cues) else " (it holds none of its cues, in small letters)"
    )
    return f"{rule.id} does not remove its example {_short(line)}{reason}"


def _between(rule: Rule, line: str) -> str:
    apart = "" if rule.scope == "span" else "\n\n"
    bare = line.strip("\n")
    return f"{PROSE[0]}{apart}{bare}\n\n{PROSE[1]}"


def _around(line: str) -> tuple[str, ...]:
    """An example alone, before, between and behind the paragraphs of an article."""
    first, last = PROSE
    return line, f"{line}\n\n{first}", f"{first}\n\n{line}\n\n{last}", f"{first}\n\n{line}"


def _stays(line: str, text: str, rules: Iterable[Cleaner]) -> bool:
    bare = line.strip()
    return clean(text, rules).text.count(bare) >= text.count(bare)


def _takers(line: str, text: str, rules: Iterable[Cleaner]) -> Iterator[str]:
    cleaned = clean(text, rules)
    if line not in cleaned.text:
        yield from (name for edit in cleaned.edits for name in edit.rules)


# ── the sample ──────────────────────────────────────────────────────────────────────────────


def sampled(size: int, settings: Settings) -> Records:
    """At most `size` records of the raw folder, always the same ones, spread over at most so many files.

    Files are chosen by a hash of their paths, records by their ids; nothing is read to its end.

    Raises:
        PlanError: if the raw folder cannot be read or is empty.
    """
    check_raw(settings)
    files = nsmallest(size, entries(settings.raw, []), key=lambda file: sha256(file[0].encode()).digest())
    yield from _chosen(dict(files), size, settings)


def _of_file(path: Path, size: int, settings: Settings) -> Records:
    if media_kind(path.name) is None:
        raise NotFoundError(f"{path}: no reader for this kind of file; known are .toml (rules), {', '.join(READERS)}")
    name = os.fsencode(path).decode("utf-8", "backslashreplace")
    yield from _chosen({name: path}, size, settings)


def _chosen(files: Mapping[str, Path], size: int, settings: Settings) -> Records:
    wanted = _choice(files, size, settings)
    for name in sorted(wanted):
        for record in _records(name, files[name], settings):
            if record.origin.record in wanted[name]:
                yield record
            if record.origin.record >= max(wanted[name]):
                break


def _choice(files: Mapping[str, Path], size: int, settings: Settings) -> dict[str, set[int]]:
    """For each file the numbers of the records in the sample: one of each file, then a second, as far as there are."""
    share, found = -(-size // max(len(files), 1)), list[_Place]()
    while files:
        found = [place for name, path in files.items() for place in _first(name, path, share, settings)]
        if len(found) >= size or share >= size:
            break
        share = min(4 * share, size)
    wanted = defaultdict[str, set[int]](set)
    for _, _, name, number in nsmallest(size, found):
        wanted[name].add(number)
    return wanted


_Place = tuple[int, str, str, int]
"""A record: its rank among those of its file, its id, the file, its number there."""


def _first(name: str, path: Path, share: int, settings: Settings) -> Iterator[_Place]:
    """`share` records of a file, those with the smallest ids among the first of it."""
    numbers: Iterable[int] = (0,)
    if media_kind(path.name) in LINES | {".warc"}:
        window = islice(_records(name, path, settings), WINDOW * share)
        numbers = (record.origin.record for record in window)
    ids = nsmallest(share, ((record_id(Origin(name, number)), number) for number in numbers))
    return ((rank, identity, name, number) for rank, (identity, number) in enumerate(ids))


def _records(name: str, path: Path, settings: Settings) -> Records:
    try:
        said, flags = read_sidecar(sidecar_bytes(path))
        with opened(path) as stream:
            context = Context(name, NO_DAY, said, flags, limit=settings.record_bytes)
            yield from READERS[media_kind(path.name) or ""](cast("BinaryIO", stream), context)
    except OSError as error:
        yield Reject(Origin(name), "read", "unreadable", f"{error.strerror or error}", environmental=True)


# ── what is said ────────────────────────────────────────────────────────────────────────────


def report(found: Trial) -> Iterator[Text | str]:
    """What a trial found: the rules that fired, with examples, those that never did, and what is wrong with them."""
    yield f"{found.records} records of {len(found.files)} files: {found.articles} articles{_rejected(found.rejects)}"
    fired = [rule for rule in found.rules if found.fired[rule.id]]
    for rule in sorted(fired, key=lambda rule: (-found.fired[rule.id], rule.id)):
        yield from _of_rule(rule, found)
    yield from _silent(found)
    if found.emptied:
        yield f"nothing is left of {len(found.emptied)} articles, for one {_place(found.emptied[0])}"
    yield from (Text(inert_line(f"wrong: {line}"), "red") for line in found.broken)
    held = f"{len(found.broken)} examples are wrong" if found.broken else "their examples hold"
    yield f"{len(found.rules)} rules, {len(found.rules) - len(fired)} of which never fired; {held}"


def _rejected(rejects: Counter[str]) -> str:
    return "".join(f", {count} {reason}" for reason, count in sorted(rejects.items()))


def _of_rule(rule: Rule, found: Trial) -> Iterator[Text]:
    does = "removes from" if rule.effect == "remove" else "matches in"
    said = f"  {does} {found.fired[rule.id]} of {found.met[rule.id]} articles"
    yield Text(inert_line(rule.id), "bold").append(said, "not bold")
    for removal in found.removals[rule.id]:
        yield Text(f"    {_short(removal.text)}  ").append(_place(removal.origin), "dim")


def _silent(found: Trial) -> Iterator[str]:
    """The rules that never fired: those that had a chance to, and those that met no article."""
    silent = defaultdict[str, list[str]](list)
    for rule in found.rules:
        if not found.fired[rule.id]:
            silent[_silence(rule, found.met[rule.id])].append(rule.id)
    yield from (inert_line(f"never fired, {why}: {', '.join(names)}") for why, names in silent.items())


def _silence(rule: Rule, met: int) -> str:
    if met or (rule.language in ALL_LANGUAGES and not rule.sites):
        return f"{met} articles tried"
    kind = f"of {', '.join(rule.sites)}" if rule.sites else f"in {rule.language}"
    return f"no article here is {kind}"


def _short(text: str) -> str:
    return inert_line(f'"{text[:WIDTH]}{"…" if len(text) > WIDTH else ""}"')


def _place(origin: Origin) -> str:
    return inert_line(f"{origin.path}, record {origin.record}")
