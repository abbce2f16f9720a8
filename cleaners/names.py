"""Bylines become authors, and mentions of persons get canonical names.

Two readers share one lexicon: `parse_byline` reads the line under a headline, `person_mentions`
reads running text. `name_key` and `same_person` say when two spellings are one name.
Everything here is a rule over lists of words; the lists are data (`lexicons/names.*.toml`,
`aliases/persons.toml`). Offsets count code points.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from operator import itemgetter
from typing import Literal

from cleaners.model import Author, NameLexicon, PersonMention

# --- the lexicon ---------------------------------------------------------------------------------

WORD_LISTS = (
    "ambiguous_given", "articles", "beats", "common", "family_first", "functions", "introducers", "never",
    "organisation_words", "particles", "press_words", "roles", "romanised", "speech", "strong_titles",
    "suffixes", "surnames", "titles", "given", "given_other", "nicknames", "agencies", "connectors", "leads",
    "other_credits", "occupations",
)  # fmt: skip
"""The keys that a table `names.*` may hold; each is a list of strings."""

PERSON_KEYS = frozenset({"name", "variants", "alone"})
"""The keys that an entry `[[person]]` may hold."""


def parse_lexicon(tables: Mapping[str, Mapping[str, object]]) -> NameLexicon:
    """Make the lexicon from parsed TOML tables, keyed by the stem of their file.

    Tables named `names.…` hold lists of words; tables with a key `person` hold aliases; others
    are not for this module. Lists of the same key in several files are joined.

    Raises:
        ValueError: a table is not as it should be; the message names file, key and reason.
    """
    words: dict[str, list[str]] = {key: [] for key in WORD_LISTS}
    for file, table in sorted(tables.items()):
        if file.startswith("names."):
            for key, value in table.items():
                _list_of(file, key, words).extend(_strings(file, key, value))
    persons, alone = _persons(tables)
    return _lexicon(words, persons, alone)


def _list_of(file: str, key: str, words: Mapping[str, list[str]]) -> list[str]:
    if key not in words:
        raise ValueError(f"{file}.toml: {key}: unknown key; one of {', '.join(sorted(words))}")
    return words[key]


def _strings(file: str, key: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise ValueError(f"{file}.toml: {key}: must be a list of strings")  # noqa: TRY004
    for item in value:
        if not isinstance(item, str) or not item.strip():
            raise ValueError(f"{file}.toml: {key}: {item!r} is not a word")
    return [item for item in value if isinstance(item, str)]


def _persons(tables: Mapping[str, Mapping[str, object]]) -> tuple[dict[str, str], dict[str, str]]:
    persons: dict[str, str] = {}
    alone: dict[str, str] = {}
    for file, table in sorted(tables.items()):
        for name, variants, lone in _entries(file, table):
            _enter(file, persons, (name, *variants), name)
            _enter(file, alone, lone, name)
    return persons, alone


def _enter(file: str, index: dict[str, str], forms: Iterable[str], name: str) -> None:
    for form in forms:
        if index.setdefault(fold(form), name) != name:
            raise ValueError(f"{file}.toml: person: {form!r} stands for {index[fold(form)]!r} and for {name!r}")


def _entries(file: str, table: Mapping[str, object]) -> Iterator[tuple[str, list[str], list[str]]]:
    entries = table.get("person", [])
    if not isinstance(entries, list):
        raise ValueError(f"{file}.toml: person: must be an array of tables, [[person]]")  # noqa: TRY004
    for entry in entries:
        if not isinstance(entry, Mapping) or not isinstance(name := entry.get("name"), str) or not fold(name):
            raise ValueError(f"{file}.toml: person: every entry needs a name")
        if unknown := sorted(str(key) for key in entry if key not in PERSON_KEYS):
            raise ValueError(f"{file}.toml: person {name!r}: unknown key {unknown[0]}")
        where = f"person {name!r}"
        variants = _strings(file, f"{where}: variants", entry.get("variants", []))
        yield name, variants, _strings(file, f"{where}: alone", entry.get("alone", []))


def _lexicon(words: Mapping[str, list[str]], persons: dict[str, str], alone: dict[str, str]) -> NameLexicon:
    lower = {key: frozenset(word.casefold() for word in listed) for key, listed in words.items()}
    folded = {key: frozenset(fold(word) for word in listed) for key, listed in words.items()}
    return NameLexicon(
        titles=lower["titles"],
        strong_titles=lower["strong_titles"],
        introducers=lower["introducers"],
        speech=lower["speech"],
        roles=lower["roles"] | lower["occupations"],
        signing_roles=lower["roles"],
        beats=lower["beats"],
        press_words=lower["press_words"],
        organisation_words=lower["organisation_words"],
        never=frozenset(words["never"]),
        common=lower["common"],
        functions=lower["functions"],
        given=folded["given"] | folded["romanised"] | folded["given_other"],
        romanised=folded["romanised"],
        surnames=folded["surnames"],
        family_first=folded["family_first"],
        ambiguous_given=folded["ambiguous_given"],
        particles=lower["particles"],
        articles=lower["articles"],
        suffixes=lower["suffixes"],
        agencies={fold(name): name for name in reversed(words["agencies"])},
        nicknames=_nicknames(words["nicknames"]),
        persons=persons,
        person_starts=frozenset(form.partition(" ")[0] for form in persons),
        alone=alone,
        lead=_prefix(words["leads"]),
        other_credit=re.compile(rf"(?<!\w){_prefix(words['other_credits']).pattern}", re.IGNORECASE),
        joint=_joint(words["connectors"]),
    )


def _nicknames(groups: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for group in groups:
        key, *_ = forms = fold(group).split()
        for form in dict.fromkeys(forms):
            found[form] = (*found.get(form, ()), key)
    return found


def _alternatives(words: Iterable[str]) -> str:
    # the longest first, so that "reporting by" is not read as something shorter
    return (
        "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in sorted(words, key=lambda w: (-len(w), w))) or "(?!)"
    )


def _prefix(words: Iterable[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{_alternatives(words)})(?:\s*:\s*|\s+)", re.IGNORECASE)


def _joint(words: Iterable[str]) -> re.Pattern[str]:
    # "and" before lower case joins two desks of one person ("science and health reporter")
    before = r"\s+(?:(?=the\b|van\b|von\b|de\b)|(?![a-z]))"
    between = rf"(?:{_alternatives(word for word in words if word != '&')}|&){before}"
    return re.compile(rf"(?<!\s)\s*(?://+|\||[;,•·/—–]|\s-\s|\n)\s*(?:{between})?|(?<!\s)\s+{between}")


# --- names ---------------------------------------------------------------------------------------

# letters that Unicode does not decompose
_LETTERS = {
    "ı": "i",
    "ł": "l",
    "Ł": "L",
    "ø": "o",
    "Ø": "O",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "þ": "th",
    "ß": "ss",
    "æ": "ae",
    "œ": "oe",
}
_SPECIAL = str.maketrans(_LETTERS)


@lru_cache(maxsize=8192)  # the words of a document recur; a pure function may remember
def fold(name: str) -> str:
    """The name without case, accents and punctuation; hyphens become spaces.

    >>> fold("Recep Tayyip Erdoğan"), fold("O’Neill"), fold("Kim Jong-un")
    ('recep tayyip erdogan', 'oneill', 'kim jong un')
    """
    if name.isascii() and name.isalpha():
        return name.lower()
    decomposed = unicodedata.normalize("NFKD", name.translate(_SPECIAL))
    plain = "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()
    return " ".join(re.sub(r"[^\w]+|_", " ", re.sub(r"[’'‘`´.]", "", plain)).split())


@dataclass(frozen=True, slots=True)
class Name:
    """A name taken apart; all parts folded. `given` is empty where only a surname is known."""

    given: str
    middle: tuple[str, ...]
    surname: str
    suffix: str
    romanised: bool
    """Whether its spelling in Latin script varies, so that consonants are compared."""


def take_apart(name: str, lexicon: NameLexicon) -> Name:
    """The parts of `name`, without titles."""
    words = _joined_abd(_without_titles(_spelled(name), lexicon))
    suffix = words[-1] if len(words) > 1 and words[-1] in lexicon.suffixes else ""
    words = words[:-1] if suffix else words
    if not words:
        return Name("", (), "", suffix, romanised=False)
    if _family_first(words, lexicon):
        return Name(" ".join(words[1:]), (), words[0], suffix, romanised=True)
    start = min(_surname_start(words, lexicon), _hyphenated_start(name, words, suffix, lexicon))
    surname = [w for w in words[start:] if w not in lexicon.articles] or words[start:]
    articled = len(surname) < len(words) - start or "bin" in words[start:]
    given = words[0] if start else ""
    romanised = articled or _is_romanised(given, lexicon)
    return Name(given, tuple(words[1:start]), " ".join(surname), suffix, romanised)


def _is_romanised(given: str, lexicon: NameLexicon) -> bool:
    if given in lexicon.given:
        return given in lexicon.romanised
    return _skeleton(given) in _skeletons(lexicon.romanised)


def _hyphenated_start(name: str, words: Sequence[str], suffix: str, lexicon: NameLexicon) -> int:
    """Where a surname of two words with a hyphen begins: "Jane Roe-Doe"."""
    raw = name.split()
    last = fold(raw[-2 if suffix and len(raw) > 1 else -1]).split() if raw else []
    double = 1 < len(last) < len(words) and last[0] not in lexicon.particles
    return len(words) - len(last) if double else len(words)


def _spelled(name: str) -> list[str]:
    # "H.W." is two initials, "J.R." too: fold alone would make one word of them
    spaced = re.sub(r"(?<![^\W\d_])([^\W\d_])\.(?=[^\W\d_])", r"\1. ", name)
    return fold(spaced).split()


def _without_titles(words: list[str], lexicon: NameLexicon) -> list[str]:
    start = 0
    while start < len(words) - 1 and words[start] in lexicon.titles and words[start] not in lexicon.given:
        start += 1
    return words[start:]


def _joined_abd(words: list[str]) -> list[str]:
    # "Abdel Fattah", "Abdul Rahman": the first word is no name without the second
    if len(words) > 2 and re.fullmatch(r"abd[aeu]l", words[0]):  # noqa: PLR2004
        return [words[0] + words[1], *words[2:]]
    return words


def _family_first(words: Sequence[str], lexicon: NameLexicon) -> bool:
    """Whether the surname stands first: a known one, and two syllables written apart."""
    if len(words) != 3 or words[0] not in lexicon.family_first:  # noqa: PLR2004
        return False
    return all(len(w) <= 6 and re.fullmatch(r"[^aeiouy]*[aeiouy]+[^aeiouy]*", w) for w in words[1:])  # noqa: PLR2004


def _surname_start(words: Sequence[str], lexicon: NameLexicon) -> int:
    start = len(words) - 1
    while start > 1 and len(words[start - 1]) > 1 and words[start - 1] in lexicon.particles:
        start -= 1
    return max(start, 0)


_DIGRAPHS = re.compile("kh|gh|dh|th|sh|zh|ch|ph|ck|ts|tz")
_PHONES = {
    "kh": "h",
    "gh": "k",
    "dh": "d",
    "th": "t",
    "sh": "S",
    "zh": "j",
    "ch": "C",
    "ph": "f",
    "ck": "k",
    "ts": "z",
    "tz": "z",
}
_LIKE = str.maketrans("qgcv", "kkkw")


@lru_cache(maxsize=8192)
def _skeleton(word: str) -> str:
    """The consonants of a romanised word, spelling variants made equal: "gadhafi" is "kdf"."""
    hard = _DIGRAPHS.sub(lambda m: _PHONES[m[0]], word).translate(_LIKE)
    head = "a" if hard[:1] in set("aeiou") else hard[:1]
    rest = re.sub("[aeiouyhw ]", "", hard[1:])
    return re.sub(r"(.)\1+", r"\1", head + rest)


@lru_cache(maxsize=8)
def _skeletons(words: frozenset[str]) -> frozenset[str]:
    # two consonants fit too many words of other languages
    return frozenset(s for s in map(_skeleton, words) if len(s) > 2)  # noqa: PLR2004


def _listed(name: str, lexicon: NameLexicon) -> str | None:
    """The published name of a listed person, also where a middle name was put in or left out."""
    words = _without_titles(_spelled(name), lexicon)
    for form in (" ".join(words), fold(name)):
        if found := lexicon.persons.get(form):
            return found
    if len(words) > 2 and len(words[1]) == 1:  # noqa: PLR2004
        return lexicon.persons.get(" ".join([words[0], *(w for w in words[1:-1] if len(w) > 1), words[-1]]))
    return _listed(name[1:], lexicon) if _stray(name.split(" ", 1)[0]) else None


def name_key(name: str, lexicon: NameLexicon) -> str:
    """A key that is equal for the spellings of one name, across documents.

    Listed persons have the key of their published name. Middle names and initials are left out,
    since one paper prints them and the next does not; generations ("Jr.") are kept.
    """
    parts = take_apart(_listed(name, lexicon) or lexicon.alone.get(fold(name), name), lexicon)
    given = _given_key(parts, lexicon)
    surname = _skeleton(parts.surname) if parts.romanised and parts.given else parts.surname
    middle = _distinctive_middle(name, lexicon)
    # numbers are mostly left out in print, "Jr." tells a son from his father
    generation = parts.suffix if parts.suffix in {"jr", "sr"} else ""
    return ".".join(part.replace(" ", "-") for part in (given, middle, surname, generation) if part)


def _distinctive_middle(name: str, lexicon: NameLexicon) -> str:
    # listed namesakes who differ in their initials only (two presidents of one family)
    if (listed := _listed(name, lexicon)) is None:
        return ""
    return "".join(w[0] for w in take_apart(listed, lexicon).middle)


def _given_key(parts: Name, lexicon: NameLexicon) -> str:
    if group := lexicon.nicknames.get(parts.given):
        return group[0]
    return _skeleton(parts.given) if parts.romanised else parts.given


def same_person(a: str, b: str, lexicon: NameLexicon) -> bool:
    """Whether two full names may well be one person: one surname, and given names that agree."""
    listed = _listed(a, lexicon), _listed(b, lexicon)
    if listed[0] and listed[1]:
        return listed[0] == listed[1]
    one, two = take_apart(listed[0] or a, lexicon), take_apart(listed[1] or b, lexicon)
    return _agree(one, two, lexicon)


def _agree(one: Name, two: Name, lexicon: NameLexicon) -> bool:
    return (
        bool(one.surname)
        and _same_surname(one, two)
        and _same_generation(one, two)
        and _same_given(one, two, lexicon)
        and _same_middle(one, two)
    )


def _same_surname(one: Name, two: Name) -> bool:
    if one.surname == two.surname:
        return True
    romanised = one.romanised and two.romanised
    return romanised and _skeleton(one.surname) == _skeleton(two.surname)


def _same_generation(one: Name, two: Name) -> bool:
    # "Jr." tells a son from his father; "III" is mostly left out in the second report
    return one.suffix == two.suffix or {one.suffix, two.suffix} <= {"", "ii", "iii", "iv"}


def _same_given(one: Name, two: Name, lexicon: NameLexicon) -> bool:
    if not one.given or not two.given:
        return one.given == two.given
    if _like_given(one, two, lexicon):
        return True
    # "Addison Mitchell Roe" is called Mitchell Roe
    return one.given in two.middle or two.given in one.middle


def _like_given(one: Name, two: Name, lexicon: NameLexicon) -> bool:
    a, b = one.given, two.given
    if a == b or set(lexicon.nicknames.get(a, ())) & set(lexicon.nicknames.get(b, ())):
        return True
    if 1 in (len(a), len(b)):
        return a[0] == b[0]
    if one.romanised and two.romanised and not (a in lexicon.nicknames and b in lexicon.nicknames):
        return _skeleton(a) == _skeleton(b)
    if re.sub(r"(.)\1", r"\1", a) == re.sub(r"(.)\1", r"\1", b):
        return True  # "Hilary", "Hillary"
    return min(len(a), len(b)) >= 3 and (a.startswith(b) or b.startswith(a))  # noqa: PLR2004


def _same_middle(one: Name, two: Name) -> bool:
    # a middle name contradicts only another middle name
    if not one.middle or not two.middle or one.given != two.given:
        return True
    if {w for w in one.middle if len(w) > 1} & set(two.middle):
        return True
    first, second = one.middle[0], two.middle[0]
    if len(one.middle) != len(two.middle) and {len(w) for w in one.middle + two.middle} == {1}:
        return False
    return first[0] == second[0] and (1 in (len(first), len(second)) or first == second)


# --- bylines -------------------------------------------------------------------------------------

Kind = Literal["name", "agency", "press", "role", "place", "junk", "words", "text"]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a byline between two joints, and what it was taken for."""

    kind: Kind
    raw: str
    name: str = ""
    organization: str | None = None
    joined: bool = False
    """Whether "and" stands before it."""
    slashed: bool = False
    """Whether a slash stands before it, as in the credits of pictures."""


@dataclass(frozen=True, slots=True)
class _Credit:
    """One sentence of a byline."""

    lead: str
    pieces: tuple[_Piece, ...]
    contribution: bool = False
    """Whether it says so in a sentence ("… contributed to this report")."""


_SENTENCE_END = re.compile(r"(?<=[^\W\d_]{4}[.!?])[ \t]+(?=[^\W\d_])")
_VERB = re.compile(
    r"(?<!\s)\s+(?:also\s+)?(?:contributed|reported|reports|is\s+an?|is\s+the|was\s+an?|covers|writes)\b(?P<tail>.*)",
    re.DOTALL,
)
_POSSESSIVE = re.compile(r"(?:[Tt]he\s+)?(?P<org>[^,;|]{2,60}?)(?:[’']s|(?<=s)[’'])\s+(?=[^\W\d_a-z])")
_FOR = re.compile(r"\b(?:for|at|with|of)\s+(?:the\s+)?(?P<org>[A-Z][\w&.\-]*(?:\s+[A-Z][\w&.\-]*)*?)\.?(?=\s|,|$)")
_OF = re.compile(r"^(?P<name>.+?),?\s+(?:of|for|at|from|von|de|da|di|del)\s+(?:the\s+)?(?P<org>.+)$")
_IN = re.compile(r"\s+(?:in|reporting\s+from|aus)\s+[^\W\d_a-z][\w.\-]*(?:,?\s+[^\W\d_a-z][\w.\-]*){0,3}$")
_PAREN = re.compile(r"(?<!\s)\s*[(\[](?P<org>[^()\[\]]{1,80})[)\]]\s*$")
_JUNK = re.compile(
    r"@|://|\bwww\.|\d|\.(?:com|org|net|co|de)\b|^\W*(?:updated|published|posted|follow|email|e-mail|view\s+all|more)\b|^\W*$",
    re.IGNORECASE,
)
_TRIM = ' \t\n\r\f\v\u00a0"“”«»*•·|–—-:;,_'
_OWNED = re.compile(r"\w[’']s?\s|^[\"“‘]")
_ADDRESS = re.compile(r"\(?\S+@\S+|(?<!\w)@\w+")
_SPECIAL_TO = re.compile(r"special\s+(?:to|for)\s+(?:the\s+)?(?=\S)", re.IGNORECASE)
_POST_NOMINALS = frozenset({"md", "phd", "esq", "mba", "jd", "rn", "mph", "dds"})
_LONGEST_PIECE = 200  # between two commas; longer is prose, and no pattern need look at it
_LONGEST_BYLINE = 250  # a line that signs an article is short; the longest seen in the wild had 212


def parse_byline(byline: str, lexicon: NameLexicon) -> tuple[Author, ...]:
    """The authors of a byline in their order; none where the line is no byline.

    >>> parse_byline("By all accounts the vote was close.", NameLexicon())
    ()
    """
    authors = (author for credit in _credits(byline, lexicon) for author in _authors(credit))
    return _merged(authors)


def is_byline(line: str, lexicon: NameLexicon) -> bool:
    """Whether a line is a byline and nothing else; made to err on the side of no."""
    line = line.strip()
    if not line or len(line) > _LONGEST_BYLINE or "\n" in line or line[-1] in "?!:" or "photo" in line.casefold():
        return False
    if len(_SENTENCE_END.split(line)) > 1:
        return False
    credit = _credit(line, lexicon)
    # "Reuters' Jane Roe …" begins sentences and captions, "By Reuters' Jane Roe" does not
    return _signs(credit, lexicon) and bool(credit.lead or not _OWNED.search(line))


def _signs(credit: _Credit, lexicon: NameLexicon) -> bool:
    kinds = [piece.kind for piece in credit.pieces]
    names = [piece for piece in credit.pieces if piece.kind == "name"]
    if credit.contribution or not kinds or set(kinds) & {"words", "text"}:
        return False
    if credit.lead:
        return _credible(credit.lead, names, lexicon) if names else set(kinds) <= {"agency", "role"}
    return kinds[0] == "name" and "place" not in kinds and any(_is_signed(p, lexicon) for p in credit.pieces)


def _is_signed(piece: _Piece, lexicon: NameLexicon) -> bool:
    """Whether a piece of a line without "By" says that the line is one: a desk, or a paper."""
    if piece.slashed:
        return False  # "Jane Roe/Reuters" took the picture
    if piece.kind == "role":
        return fold(piece.raw).split()[-1] in lexicon.signing_roles
    return piece.organization is not None and _press(piece.organization, lexicon) is not None


def _credible(lead: str, names: Sequence[_Piece], lexicon: NameLexicon) -> bool:
    # "Von", "Di", "Par" also begin names and sentences: there a known given name must follow
    words = [fold(piece.name).split() for piece in names]
    return lead.casefold().endswith("by") or any(w[0] in lexicon.given or len(w[0]) == 1 for w in words)


def _credits(byline: str, lexicon: NameLexicon) -> tuple[_Credit, ...]:
    lines = (line for line in _SENTENCE_END.split(byline) if line.strip(_TRIM))
    return tuple(credit for line in lines if (credit := _credit(line, lexicon)).pieces)


def _credit(line: str, lexicon: NameLexicon) -> _Credit:
    line = line.strip(_TRIM)
    if other := lexicon.other_credit.search(line):
        line = line[: other.start()].strip(_TRIM)
    lead, body = _without_lead(line, lexicon)
    if verb := _VERB.search(body):
        return _contribution(lead, body[: verb.start()], verb, lexicon)
    pieces = tuple(_pieces(body, lexicon))
    if _is_prose(lead, pieces):
        return _Credit(lead, ())
    return _Credit(lead, pieces)


def _without_lead(line: str, lexicon: NameLexicon) -> tuple[str, str]:
    if (found := lexicon.lead.match(line)) is None:
        return "", line
    rest = line[found.end() :]
    if (again := lexicon.lead.match(rest)) is not None and again[0].casefold().endswith("by "):
        rest = rest[again.end() :]
    return found[0].strip(" :\t"), rest


def _is_prose(lead: str, pieces: Sequence[_Piece]) -> bool:
    """Whether the line is a sentence: lower case where a byline has none."""
    if not pieces or any(piece.kind == "text" for piece in pieces):
        return True
    return bool(lead) and pieces[0].kind in {"words", "place", "junk"}


def _contribution(lead: str, subject: str, verb: re.Match[str], lexicon: NameLexicon) -> _Credit:
    pieces = [piece for piece in _pieces(subject, lexicon) if piece.kind != "text"]
    words = fold(subject).split()
    if len(words) == 1 and words[0] in lexicon.given:
        pieces = [_Piece("name", subject.strip(_TRIM), proper(subject.strip(_TRIM)))]
    employer = _employer(verb["tail"], lexicon)
    if employer is not None:
        pieces = [replace(p, organization=p.organization or employer) if p.kind == "name" else p for p in pieces]
    return _Credit(lead, tuple(pieces), contribution=True)


def _employer(tail: str, lexicon: NameLexicon) -> str | None:
    """Who a person writes for: "is a reporter for the Daily Bugle"."""
    if not lexicon.roles & set(fold(tail).split()):
        return None
    found = _FOR.search(tail)
    return _organization(found["org"].rstrip("."), lexicon) if found else None


def _pieces(body: str, lexicon: NameLexicon) -> Iterator[_Piece]:
    """The parts of a byline, each with its kind."""
    employer: str | None = None
    for joint, raw in _split(body, lexicon.joint):
        stripped = raw.strip(_TRIM)
        found, rest = _employed(stripped, lexicon)
        employer = found if rest != stripped else employer
        piece = _piece(rest, lexicon)
        if piece.kind == "name":
            piece = replace(piece, organization=piece.organization or employer)
        else:
            employer = None if piece.kind in {"agency", "press"} else employer
        yield replace(piece, raw=raw.strip(), joined=bool(re.search(r"\w|&", joint)), slashed="/" in joint)


def _split(body: str, joint: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    before, start, depth_end = "", 0, -1
    for found in joint.finditer(body):
        if found.start() < depth_end:
            continue  # inside brackets: "Jane Roe (Reuters, Berlin)"
        opened = body.find("(", max(start, found.start() - 100), found.start())
        if opened >= 0 and (closed := body.find(")", opened, opened + 100)) > found.start():
            depth_end = closed
            continue
        if _is_suffix(body, found):
            continue
        yield before, body[start : found.start()]
        before, start = found[0], found.end()
    yield before, body[start:]


def _is_suffix(body: str, joint: re.Match[str]) -> bool:
    # "John Roe, Jr."
    return re.match(r"(?:jr|sr|ii|iii|iv)\b\.?", body[joint.end() : joint.end() + 4], re.IGNORECASE) is not None


def _employed(piece: str, lexicon: NameLexicon) -> tuple[str | None, str]:
    """The employer before a name, and the rest: "Reuters' Jane Roe", "AP writers Jane Roe"."""
    if (found := _POSSESSIVE.match(piece)) and (org := _press(found["org"], lexicon)):
        return org, piece[found.end() :]
    words = piece.split()
    roles = [i for i, word in enumerate(words[:-1]) if fold(word) in lexicon.roles]
    if not roles or not _is_name(words[roles[-1] + 1 :], lexicon):
        return None, piece
    return _press(" ".join(_without_beats(words[: roles[-1]], lexicon)), lexicon), " ".join(words[roles[-1] + 1 :])


def _without_beats(words: Sequence[str], lexicon: NameLexicon) -> Sequence[str]:
    end = len(words)
    while end and words[end - 1].casefold() in lexicon.beats and words[end - 1].islower():
        end -= 1
    return words[:end]


def _piece(text: str, lexicon: NameLexicon) -> _Piece:
    if len(text) > _LONGEST_PIECE:
        return _Piece("text", text)
    text = _ADDRESS.sub("", text.strip(_TRIM)).strip(_TRIM)
    if found := _PAREN.search(text):
        return _bracketed(text[: found.start()], found["org"], lexicon)
    if special := _SPECIAL_TO.match(text):
        return _Piece("press", text, organization=_organization(text[special.end() :], lexicon))
    return _plain(text, _kind(text, lexicon), lexicon)


def _plain(text: str, kind: Kind, lexicon: NameLexicon) -> _Piece:
    match kind:
        case "name":
            return _Piece("name", text, proper(_bare(text, lexicon)))
        case "agency":
            return _Piece(kind, text, organization=_agency(text, lexicon))
        case "role":
            return _Piece(kind, text, organization=_desk(text, lexicon))
        case "junk" | "place":
            return _Piece(kind, text)
        case _:
            return _compound(text, kind, lexicon)


def _desk(role: str, lexicon: NameLexicon) -> str | None:
    """The agency in a role, if one is there: "Reuters Staff", "CNN Senior Political Reporter"."""
    other = lexicon.roles | lexicon.beats
    return _agency(" ".join(word for word in role.split() if fold(word) not in other), lexicon)


def _bracketed(text: str, inner: str, lexicon: NameLexicon) -> _Piece:
    piece = _piece(text, lexicon)
    if (
        piece.kind != "name"
        or _JUNK.search(inner)
        or ":" in inner
        or _kind(inner, lexicon) in {"role", "text", "place"}
    ):
        return piece
    return replace(piece, organization=_organization(inner, lexicon))


def _compound(text: str, kind: Kind, lexicon: NameLexicon) -> _Piece:
    """A name with its paper or place behind it ("Jane Roe of Reuters"), or else what it seemed."""
    if (found := _OF.match(text)) and _is_name(found["name"].split(), lexicon) and found["org"][:1].isupper():
        org = _organization(found["org"], lexicon)
        return _Piece("name", text, proper(_bare(found["name"], lexicon)), organization=org)
    shorter = _IN.sub("", text)
    if shorter != text and _is_name(shorter.split(), lexicon):
        return _Piece("name", text, proper(_bare(shorter, lexicon)))
    return _Piece(kind, text, organization=_organization(text, lexicon) if kind == "press" else None)


def _kind(text: str, lexicon: NameLexicon) -> Kind:
    """What a piece of a byline is, looked at alone: the first of the kinds that fits."""
    words = text.split()
    if _JUNK.search(text) or fold(text) in _POST_NOMINALS:
        return "junk"
    tests: tuple[tuple[Kind, object], ...] = (
        ("agency", _agency(text, lexicon)),
        ("role", _is_role(words, lexicon)),
        ("name", _is_name(words, lexicon)),
        ("press", _press(text, lexicon)),
        ("place", all(_is_never(word, lexicon) for word in words)),
        ("text", _is_text(words, lexicon)),
    )
    return next((kind for kind, fits in tests if fits), "words")


_MOST_ROLE_WORDS = 8  # "Reuters chief national security and politics correspondent"
_MOST_PRESS_WORDS = 7
_SMALL = frozenset({"of", "the", "for", "de", "and"})  # lower case inside the name of a paper


def _is_role(words: Sequence[str], lexicon: NameLexicon) -> bool:
    lower = [fold(word) for word in words]
    if len(words) > _MOST_ROLE_WORDS or not {lower[-1], lower[0]} & lexicon.roles or "of" in lower:
        return False
    return lower[-1] in lexicon.roles or all(w in lexicon.beats | lexicon.roles | lexicon.functions for w in lower)


def _is_text(words: Sequence[str], lexicon: NameLexicon) -> bool:
    plain = [w for w in words if w[:1].islower() and w.casefold() not in lexicon.particles]
    return len(plain) > 1 or (len(plain) == 1 and len(words) > 3)  # noqa: PLR2004


def _agency(text: str, lexicon: NameLexicon) -> str | None:
    folded = fold(text)
    return lexicon.agencies.get(folded) or lexicon.agencies.get(folded.removeprefix("the "))


def _press(text: str, lexicon: NameLexicon) -> str | None:
    """The paper, agency or desk that `text` names, if it names one."""
    if agency := _agency(text, lexicon):
        return agency
    words = text.split()
    if not 0 < len(words) <= _MOST_PRESS_WORDS or any(w.islower() and w not in _SMALL for w in words):
        return None
    return _organization(text, lexicon) if lexicon.press_words & set(text.casefold().split()) else None


def _organization(text: str, lexicon: NameLexicon) -> str:
    text = " ".join(text.strip(_TRIM).split())
    return _agency(text, lexicon) or re.sub(r"^the\s+", "", text, flags=re.IGNORECASE)


def _is_never(word: str, lexicon: NameLexicon) -> bool:
    return word.strip(".,") in lexicon.never or word.casefold() in lexicon.functions


def _bare(text: str, lexicon: NameLexicon) -> str:
    """The name without titles and quotation marks."""
    words = text.replace('"', "").split()
    while len(words) > 2 and fold(words[0]) in lexicon.titles and fold(words[0]) not in lexicon.given:  # noqa: PLR2004
        words = words[1:]
    return " ".join(words).strip(" ,-")


_MOST_WORDS = 6  # "Maria del Carmen de la Vega"
_MOST_PARTS = 4  # of them, particles, initials and suffixes left out


def _is_name(words: Sequence[str], lexicon: NameLexicon) -> bool:
    """Whether words look like a full name: capitals throughout, and nothing that names something else."""
    words = _bare(" ".join(words[: _MOST_WORDS + 2]), lexicon).split()
    if not 2 <= len(words) <= _MOST_WORDS or not all(_is_name_word(w, lexicon) for w in words):  # noqa: PLR2004
        return False
    parts = [
        w for w in words if len(fold(w)) > 1 and w.casefold().strip(".,") not in lexicon.particles | lexicon.suffixes
    ]
    if len(parts) > _MOST_PARTS or words[0].islower() or any(_is_function(w, lexicon) for w in words[1:]):
        return False
    if any(_contracted(word.casefold(), lexicon) for word in words):
        return False
    return _is_known_given(words, lexicon) or _is_unlike_words(words, lexicon)


def _is_function(word: str, lexicon: NameLexicon) -> bool:
    # two letters may be a surname ("He", "An", "So"), one letter with a full stop an initial
    word = word.strip(",")
    short = len(word) <= 2 and word[:1].isupper()  # noqa: PLR2004
    return not short and word.casefold() in lexicon.functions - lexicon.particles


def _is_known_given(words: Sequence[str], lexicon: NameLexicon) -> bool:
    first = fold(words[0])
    last = words[-1].casefold()
    if first not in lexicon.given:
        return len(first) == 1 and len(words) > 2 and fold(words[1]) in lexicon.given  # noqa: PLR2004
    if first in lexicon.ambiguous_given:
        initial = any(len(fold(word)) == 1 for word in words[1:-1])
        return initial or not (_titled(words[-1]) in lexicon.never or last in lexicon.press_words)
    return len(words) == 2 or last not in lexicon.press_words  # noqa: PLR2004


def _is_unlike_words(words: Sequence[str], lexicon: NameLexicon) -> bool:
    return not any(
        _titled(word) in lexicon.never
        or any(part in lexicon.common or part in lexicon.functions for part in word.casefold().split("-"))
        or word.casefold() in lexicon.press_words
        or word.casefold() in lexicon.organisation_words
        or word.casefold() in lexicon.roles
        for word in words
        if word.casefold() not in lexicon.particles
    )


def _titled(word: str) -> str:
    return word.capitalize() if word.isupper() else word


def _is_name_word(word: str, lexicon: NameLexicon) -> bool:
    if word.casefold() in lexicon.particles or word.casefold().strip(".,") in lexicon.suffixes:
        return True
    return bool(re.fullmatch(r"(?:[a-z]{1,2}[’'‘\-])?[^\W\d_][\w’'‘.\-]{0,30},?", word)) and (
        word[0].isupper() or "-" in word or "’" in word or "'" in word or not (word[0].islower() or word[0].isupper())
    )


def _authors(credit: _Credit) -> Iterator[Author]:
    """Authors of one credit; an organisation after one name, or after names joined by "and", is theirs."""
    group: list[_Piece] = []
    signed = False
    for piece in credit.pieces:
        if piece.kind == "name":
            group.append(piece)
        elif piece.organization:
            theirs = not signed and not piece.joined and (len(group) == 1 or any(p.joined for p in group))
            yield from _signed(group, piece.organization if theirs else None)
            if not (theirs and group):
                yield Author(None, piece.raw, piece.organization)
            group, signed = [], True
    yield from _signed(_share(group), None)


def _share(group: Sequence[_Piece]) -> list[_Piece]:
    # "Jane Roe and John Doe (Reuters)": the bracket speaks of both
    shared = list(group)
    for i in range(len(shared) - 1, 0, -1):
        if (
            shared[i].joined
            and shared[i].organization
            and shared[i].raw.endswith(")")
            and not shared[i - 1].organization
        ):
            shared[i - 1] = replace(shared[i - 1], organization=shared[i].organization)
    return shared


def _signed(group: Iterable[_Piece], organization: str | None) -> Iterator[Author]:
    for piece in group:
        yield Author(piece.name, piece.raw, piece.organization or organization)


def _merged(authors: Iterable[Author]) -> tuple[Author, ...]:
    """Without repetitions, and without a name that is only the beginning of another."""
    kept: dict[str, Author] = {}
    for author in authors:
        key = fold(author.name) if author.name else "\0" + fold(author.organization or "")
        kept[key] = _fuller(kept[key], author) if key in kept else author
    whole = sorted(kept)
    cut = {a for a, b in pairwise(whole) if a[0] != "\0" and b.startswith(a) and " " in a}
    return tuple(author for key, author in kept.items() if key not in cut)


def _fuller(first: Author, second: Author) -> Author:
    return first if first.organization or not second.organization else replace(first, organization=second.organization)


def proper(name: str) -> str:
    """A name in capitals as one writes it; other names only get their "Mc" right.

    >>> proper("MARY O'NEILL"), proper("RONALD MCDONALD"), proper("Ludwig van Beethoven")
    ("Mary O'Neill", 'Ronald McDonald', 'Ludwig van Beethoven')
    """
    shout = name.isupper()
    return " ".join(_proper_word(word) if shout else _mc(word) for word in name.split())


def _proper_word(word: str) -> str:
    letters = word.strip(".,")
    if (word.endswith(".") and len(letters) == 1) or re.fullmatch(
        r"(?:[^\W\d_]\.)+|II|III|IV|[B-DF-HJ-NP-TV-XZ]{2}", word
    ):
        return word
    if letters.casefold() in {"van", "von", "de", "der", "den", "bin", "del", "della", "di", "da", "y", "la"}:
        return word.lower()
    return _mc(re.sub(r"[^\W\d_]+", lambda m: m[0].capitalize(), re.sub(r"([’'])S$", r"\1s", word)))


def _mc(word: str) -> str:
    return re.sub(r"^Mc([a-z])(?=[a-z]{2})", lambda m: "Mc" + m[1].upper(), word)


# --- mentions ------------------------------------------------------------------------------------

_CAPITALS = "".join(chr(c) for c in range(0x41, 0x2000) if chr(c).isupper())
_CAPITALIZED = re.compile(
    rf"(?<![\w@#])[{_CAPITALS}](?:\.(?:[{_CAPITALS}]\.)*(?!\w)|\w{{0,30}}(?:[’'‘\-]\w{{1,30}}){{0,3}})(?!\w)"
)
_GLUED = re.compile(
    rf"((?:(?:Mc|Mac|De|Di|Du|Da|La|Le|Van|Von|Del|San|St|Fitz|O|Al|El)(?=[{_CAPITALS}]))?+"
    rf"[{_CAPITALS}]\w*?[^\W\d_{_CAPITALS}])[{_CAPITALS}\d]"
)
_POSSESSED = re.compile(r"(?:[’'‘]s?|[’'‘]S)$")
_PARTICLED = re.compile(r"((?:\b(?:al|el|bin|Bin|Al|El|de|De|van|Van|von|Von|der|den|del|la|di|da)[ \-])+)$")
_PARTICLE_ENDS = frozenset("lneair")  # the last letters of those above
_BEFORE = re.compile(r"(\w+)[ ]$")
_AFTER = re.compile(r",? (\w+)")
_SPEAKS = re.compile(r" (\w+)")
_AGE = re.compile(r", \d{2},|, (?:the|a|an|who|whose|his|her|their) |, [DRI]-|, (?:D|R)[,.]| \([DRI][\-)]")
_TITLE_CASE = 0.75  # of the words of a line: such a line is a headline, and capitals in it prove little


@dataclass(frozen=True, slots=True)
class _Word:
    """A capitalised word of the text, without its possessive."""

    start: int
    end: int
    text: str
    folded: str
    kind: str
    """`title given initial suffix never common acronym name`."""
    cut: bool = False
    """Whether something is glued to its end ("RoeSee also")."""
    ended: bool = False
    """Whether a possessive or something glued ends the name here."""
    bracketed: bool = False
    """Whether a bracket opens right after it."""


_Run = Sequence[_Word]


@dataclass(frozen=True, slots=True)
class _Full:
    """A full name in the text."""

    start: int
    end: int
    name: str
    """As the text has it, the stray capital of "JMohammad" left out."""


def person_mentions(text: str, language: str, lexicon: NameLexicon) -> tuple[PersonMention, ...]:
    """The persons named in `text`, in order and apart.

    Args:
        text: a clean text.
        language: its ISO 639-1 code; outside English, capitals alone prove nothing.
        lexicon: what is known about names.
    """
    runs = tuple(_runs(text, lexicon))
    find = _english_full if language == "en" else _foreign_full
    found = tuple((run, tuple(_fulls(text, run, find, lexicon))) for run in runs)
    people = _gathered((full for _, fulls in found for full in fulls), lexicon)
    voice = _heard if language == "en" else _unheard
    mentions = (m for run, fulls in found for m in _mentions(_Context(text, run, people, lexicon), fulls, voice))
    return tuple(mentions)


# A run is capitalised words with nothing but spaces, particles and abbreviating full stops between.


def _runs(text: str, lexicon: NameLexicon) -> Iterator[_Run]:
    run: list[_Word] = []
    shapes: dict[str, _Shape] = {}
    for found in _CAPITALIZED.finditer(text):
        word = _word(found, shapes, lexicon)
        if run and not _adjacent(text, run[-1], word, lexicon):
            yield run
            run = []
        run.append(word)
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a capitalised word is, wherever it stands."""

    text: str
    folded: str
    kind: str
    cut: bool
    ended: bool


def _word(found: re.Match[str], shapes: dict[str, _Shape], lexicon: NameLexicon) -> _Word:
    whole = found[0]
    if (shape := shapes.get(whole)) is None:
        shape = shapes[whole] = _shape(whole, lexicon)
    start, text = found.start(), shape.text
    if shape.kind == "suffix" and found.string.startswith(".", found.end()):
        text += "."
    bracketed = found.string.startswith(" (", found.end())
    return _Word(start, start + len(text), text, shape.folded, shape.kind, shape.cut, shape.ended, bracketed)


def _shape(whole: str, lexicon: NameLexicon) -> _Shape:
    text, glued = whole, None
    if not whole[1:].islower() or not whole.isalpha():  # most words need no closer look
        text = _POSSESSED.sub("", whole)
        glued = None if text in lexicon.never else _GLUED.match(text)
        text = glued[1] if glued else text
    folded = fold(text)
    return _Shape(text, folded, _word_kind(text, folded, lexicon), glued is not None, len(text) < len(whole))


def _word_kind(text: str, folded: str, lexicon: NameLexicon) -> str:
    """The first kind that fits; the order is what makes "Jordan" a given name before a country."""
    if len(folded) == 1 or text.endswith("."):
        return "initial"
    if folded in lexicon.suffixes:
        return "suffix"
    if text.isupper():
        return "acronym"
    lower = text.casefold()
    tests = (
        ("common", _contracted(lower, lexicon)),
        ("title", lower in lexicon.titles),
        ("given", folded in lexicon.given),
        ("never", text in lexicon.never),
        ("common", lower in lexicon.common),
    )
    return next((kind for kind, fits in tests if fits), "name")


def _contracted(lower: str, lexicon: NameLexicon) -> bool:
    """Whether a word is made of words: "won't", "they'll", "state-owned"."""
    if lower.isalpha():
        return False
    head, *tail = re.split(r"[’'‘\-]", lower)
    if not tail:
        return False
    if lower[1:2] == "-":  # "R-Ohio", "T-shirt", "G-7"
        return True
    return (
        tail[-1] in {"t", "m", "re", "ve", "ll", "d", "era", "owned", "led", "backed"}
        or (head in lexicon.functions and len(head) > 1)
        or (
            "-" in lower and tail[-1] in lexicon.common and len(tail[-1]) > 3  # noqa: PLR2004
        )
    )


def _adjacent(text: str, left: _Word, right: _Word, lexicon: NameLexicon) -> bool:
    if left.ended:
        return False
    gap = text[left.end : right.start]
    if gap in {" ", "\u00a0"}:
        return True
    if len(gap) > 20 or "\n" in gap:  # noqa: PLR2004
        return False
    if gap == ". ":
        return left.kind == "title"
    if right.kind == "suffix":
        return gap in {", ", " "}
    words = re.split(r"[ \-]", gap.strip(" -"))
    return gap.startswith(" ") and gap[-1] in " -" and all(w in lexicon.particles for w in words)


# --- full names

_Find = Callable[[str, _Run, int, NameLexicon], int]
"""The index after the full name that begins at a word of a run; that word's index if none does."""


def _fulls(text: str, run: _Run, find: _Find, lexicon: NameLexicon) -> Iterator[_Full]:
    i = 0
    while i < len(run):
        end = _known(text, run, i, lexicon) or find(text, run, i, lexicon)
        if end <= i:
            i += 1
            continue
        yield _full(text, run[i], run[end - 1], lexicon)
        i = end


def _full(text: str, first: _Word, last: _Word, lexicon: NameLexicon) -> _Full:
    start = first.start
    if _stray(first.text) and _listed(text[start + 1 : last.end], lexicon):
        start += 1
    return _Full(start, last.end, text[start : last.end])


def _stray(word: str) -> bool:
    """Whether the word may be a name with a stray capital in front ("JMohammad")."""
    return word[:2].isupper() and word[2:].islower() and len(word) > 4  # noqa: PLR2004


def _known(text: str, run: _Run, i: int, lexicon: NameLexicon) -> int:
    """The end of the longest listed name that begins at word `i`; 0 if none does."""
    first = run[i].folded.partition(" ")[0]
    if i + 1 == len(run) or not (first in lexicon.person_starts or _stray(run[i].text)):
        return 0
    for end in range(min(i + 5, len(run)), i + 1, -1):
        phrase = text[run[i].start : run[end - 1].end]
        if _listed(phrase, lexicon) or (_stray(run[i].text) and _listed(phrase[1:], lexicon)):
            return end
    return 0


def _english_full(text: str, run: _Run, i: int, lexicon: NameLexicon) -> int:
    word = run[i]
    if word.kind == "given":
        return _from_given(text, run, i, lexicon)
    if word.kind == "initial":
        return _from_initial(run, i)
    if word.kind == "name":
        return _from_unknown(text, run, i, lexicon)
    return i


def _foreign_full(_text: str, run: _Run, i: int, lexicon: NameLexicon) -> int:
    """Only a known given name, and what follows it; nouns may be capitalised here."""
    word = run[i]
    if word.kind != "given" or word.folded in lexicon.ambiguous_given or word.text in lexicon.never:
        return i
    end = i + 1
    while end < len(run) - 1 and run[end].kind in {"given", "initial"}:
        end += 1
    if end < len(run) and run[end].kind in {"name", "given", "common"}:
        return _with_suffix(run, end + 1)
    return i


_LONGEST_NAME = 5  # words, particles not counted


def _from_given(text: str, run: _Run, i: int, lexicon: NameLexicon) -> int:
    end = _stretch(run, i)
    if end == i + 1 or (end > i + 1 and run[end - 1].kind == "initial"):
        end = _odd_surname(text, run, i, end, lexicon)
    if end <= i + 1 or run[end - 1].kind == "initial":
        return i
    if run[i].folded in lexicon.ambiguous_given and not _trusted(run, i, end, lexicon):
        return i
    return _with_suffix(run, end)


def _stretch(run: _Run, i: int) -> int:
    """The end of the words after `i` that can only be of a name."""
    end = i + 1
    while (
        end < min(len(run), i + _LONGEST_NAME)
        and run[end].kind in {"name", "given", "initial"}
        and not run[end - 1].cut
    ):
        if _begins_another(run, i, end):
            break
        end += 1
    return end


def _begins_another(run: _Run, i: int, end: int) -> bool:
    """Whether a second name begins here: "Jane Roe Jane Mary Roe", two names set side by side."""
    if end - i < 2 or run[end].kind != "given" or run[end - 1].kind != "name":  # noqa: PLR2004
        return False
    if end + 1 == len(run):
        return run[end].bracketed  # "Jane Roe Janet (Jane) Mary Roe"
    return run[end + 1].kind in {"name", "given", "initial"}


def _odd_surname(text: str, run: _Run, i: int, end: int, lexicon: NameLexicon) -> int:
    """The end with a surname that is also another word: "Scott Brown", "George Washington"."""
    if end >= len(run) or run[end - 1].cut or not _may_be_surname(run, end, lexicon):
        return i
    ambiguous = run[i].folded in lexicon.ambiguous_given and end == i + 1
    if ambiguous and not _is_mid_sentence_pair(text, run, i, lexicon):
        return i
    return i if run[end].kind == "common" and _headline(text, run) else end + 1


def _may_be_surname(run: _Run, end: int, lexicon: NameLexicon) -> bool:
    word = run[end]
    lower = word.text.casefold()
    if word.kind not in {"common", "never", "title"} or lower in lexicon.functions or lower in lexicon.speech:
        return False
    if word.folded in lexicon.surnames or word.kind == "title":
        return word.folded in lexicon.surnames
    if lower in lexicon.organisation_words or lower in lexicon.press_words:
        return False
    return not (word.kind == "never" and end + 1 < len(run) and run[end + 1].kind in {"never", "common"})


def _is_mid_sentence_pair(text: str, run: _Run, i: int, lexicon: NameLexicon) -> bool:
    """Whether two words stand alone inside a sentence, where only a name has capitals: "met Carter Page"."""
    words = [word.text for word in run]
    if len(run) != 2 or i or run[1].kind != "common" or words[0].casefold() in lexicon.functions:  # noqa: PLR2004
        return False
    start = run[0].start
    return words[0] not in lexicon.never and not (_starts_sentence(text, start) or _the_before(text, start))


def _trusted(run: _Run, i: int, end: int, lexicon: NameLexicon) -> bool:
    """Whether an ambiguous first name ("Will", "Virginia") is a name here."""
    if run[i].text.casefold() in lexicon.functions and run[i + 1].folded in lexicon.alone:
        return False
    if end < len(run) and run[end].text.casefold() in lexicon.organisation_words | lexicon.press_words:
        return False
    return i == 0 or run[i - 1].kind not in {"never", "name"}


def _with_suffix(run: _Run, end: int) -> int:
    return end + 1 if end < len(run) and run[end].kind == "suffix" and not run[end - 1].cut else end


def _from_initial(run: _Run, i: int) -> int:
    """The end of a name that begins with an initial: "J. Roe", "J. Edgar Roe"."""
    end = _stretch(run, i)
    if end > i + 1 and run[end - 1].kind in {"name", "given"} and run[i].text.endswith("."):
        return _with_suffix(run, end)
    return i


def _from_unknown(text: str, run: _Run, i: int, lexicon: NameLexicon) -> int:
    """Two or three words that are nothing else; more evidence is asked where something else stands beside."""
    end = _stretch(run, i)
    if not 2 <= end - i <= 4 or run[end - 1].kind == "initial" or run[end - 1].cut:  # noqa: PLR2004
        return i
    if end < len(run) and run[end].kind == "suffix":
        return end + 1
    if any(word.kind == "initial" for word in run[i:end]) or _titled_before(text, run, i, lexicon):
        return end
    # "Von der Roe said", "Roe Meets", "Regarding Roe": the start of a sentence or of a headline
    if run[i].folded in lexicon.particles or run[i].folded in lexicon.alone or _is_derived(run[i].text):
        return i
    if any(word.text.casefold() in lexicon.organisation_words for word in run[i:end]):
        return i
    return end if _alone_in_run(text, run, i, end, lexicon) or _spoken_of(text, run[end - 1].end, lexicon) else i


_DERIVED = re.compile(r"\w{2,}(?:ing|ly|ed|ers|ists|ors|als|ions|ians|ics|ites|ism)")


def _is_derived(word: str) -> bool:
    """Whether an English word looks made from another: a plural of a trade, a participle, an adverb."""
    return _DERIVED.fullmatch(word) is not None


def _alone_in_run(text: str, run: _Run, i: int, end: int, lexicon: NameLexicon) -> bool:
    before = i == 0 or run[i - 1].kind in {"title", "common"} or run[i - 1].text in lexicon.never
    after = end == len(run) or run[end].kind in {"given", "title"}
    return before and after and not _headline(text, run) and not _the_before(text, run[0].start)


def _the_before(text: str, start: int) -> bool:
    found = _BEFORE.search(text, max(0, start - 12), start)
    return found is not None and found[1].casefold() in {"the", "a", "an", "in", "at", "near"}


def _titled_before(text: str, run: _Run, i: int, lexicon: NameLexicon) -> bool:
    if i:
        return run[i - 1].kind == "title"
    return _introduced(text, run[0].start, lexicon)


def _introduced(text: str, start: int, lexicon: NameLexicon) -> bool:
    found = _BEFORE.search(text, max(0, start - 24), start)
    return found is not None and found[1] in lexicon.introducers


def _spoken_of(text: str, end: int, lexicon: NameLexicon) -> bool:
    """Whether what follows says something of a person: speech, an age, an apposition."""
    found = _AFTER.match(text, end)
    if found is not None and found[1] in lexicon.speech:
        return True
    return _AGE.match(text, end) is not None


def _headline(text: str, run: _Run) -> bool:
    """Whether a run stands in a line whose words are nearly all capitalised."""
    start = text.rfind("\n", max(0, run[0].start - 200), run[0].start) + 1
    if start == 0 and run[0].start > 200:  # noqa: PLR2004
        return False
    end = text.find("\n", run[0].start, run[0].start + 200)
    if end < 0 and len(text) > run[0].start + 200:
        return False
    words = re.findall(r"[^\W\d_][\w’']{3,}", text[start : end if end >= 0 else len(text)])
    capitals = sum(word[0].isupper() for word in words)
    return len(words) > 3 and capitals >= _TITLE_CASE * len(words)  # noqa: PLR2004


# --- who is who in a document


@dataclass(frozen=True, slots=True)
class _Person:
    """A person of the document: every place where the full name stands, and the fullest form."""

    value: str
    key: str
    parts: Name
    starts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Bearers:
    """The persons who bear one name, at every place where one is named in full, in order."""

    starts: tuple[int, ...]
    persons: tuple[_Person, ...]
    only: _Person | None
    """The person, if there is but one."""

    def last_before(self, start: int) -> _Person | None:
        """The person who was last named in full before an offset."""
        i = bisect_left(self.starts, start)
        return self.persons[i - 1] if i else None


@dataclass(frozen=True, slots=True)
class _People:
    """The persons that a document names in full, by the ways to refer to them."""

    by_name: Mapping[str, tuple[_Person, str]]
    """From a name as written to the person, and how the two were brought together."""
    keys: Mapping[str, str]
    """From the value of a person to the key."""
    by_surname: Mapping[str, _Bearers]
    by_given: Mapping[str, _Bearers]


def _gathered(fulls: Iterable[_Full], lexicon: NameLexicon) -> _People:
    forms: dict[str, list[int]] = {}
    for full in fulls:
        forms.setdefault(full.name, []).append(full.start)
    people = _clustered(forms, lexicon)
    by_name = {form: (person, _method(form, person, lexicon)) for same, person in people for form in same}
    persons = [person for _, person in people]
    keys = {person.value: person.key for person in persons}
    return _People(by_name, keys, _index(persons, _surnames), _index(persons, _givens))


def _method(form: str, person: _Person, lexicon: NameLexicon) -> str:
    other = fold(form) != fold(person.value)
    return "alias" if other and _listed(form, lexicon) == person.value else "full"


def _clustered(forms: Mapping[str, Sequence[int]], lexicon: NameLexicon) -> list[tuple[list[str], _Person]]:
    """The forms of each person together. Linear in the forms of one surname, not in all."""
    clusters: dict[str, list[list[str]]] = {}
    for form in forms:
        parts = take_apart(_listed(form, lexicon) or form, lexicon)
        same = clusters.setdefault(_skeleton(parts.surname), [])
        home = next((c for c in same[-_MOST_NAMESAKES:] if same_person(c[0], form, lexicon)), None)
        if home is None:
            same.append([form])
        else:
            home.append(form)
    return [(c, _person(c, forms, lexicon)) for same in clusters.values() for c in same]


# compared with a new form; a document with more is a list, and time must stay linear
_MOST_NAMESAKES = 12


def _person(forms: Sequence[str], places: Mapping[str, Sequence[int]], lexicon: NameLexicon) -> _Person:
    listed = next((found for form in forms if (found := _listed(form, lexicon))), None)
    value = listed or proper(max(forms, key=lambda form: (len(form.split()), not form.isupper())))
    starts = tuple(sorted(start for form in forms for start in places[form]))
    value = " ".join(value.split())
    return _Person(value, name_key(value, lexicon), take_apart(value, lexicon), starts)


def _surnames(person: _Person) -> Iterable[str]:
    words = person.parts.surname.split()
    tail = (w for w in (" ".join(words), words[-1] if words else ""))
    given = person.parts.given.split()
    # a document may call "Kim Jong Un" Mr. Kim; "Recep Tayyip Roe" is not Mr. Tayyip
    return {w for w in tail if w} if given else set()


def _givens(person: _Person) -> Iterable[str]:
    return {person.parts.given} if len(person.parts.given) > 1 and " " not in person.parts.given else set()


def _index(people: Iterable[_Person], forms: Callable[[_Person], Iterable[str]]) -> dict[str, _Bearers]:
    found: dict[str, list[tuple[int, int, _Person]]] = {}
    for i, person in enumerate(people):
        for form in forms(person):
            found.setdefault(form, []).extend((start, i, person) for start in person.starts)
    return {form: _bearers(sorted(places, key=itemgetter(0, 1))) for form, places in found.items()}


def _bearers(places: Sequence[tuple[int, int, _Person]]) -> _Bearers:
    starts, numbers, persons = zip(*places, strict=True)
    return _Bearers(starts, persons, persons[0] if len(set(numbers)) == 1 else None)


# --- mentions of one run


@dataclass(frozen=True, slots=True)
class _Context:
    """A run with what is needed to understand its words."""

    text: str
    run: _Run
    people: _People
    lexicon: NameLexicon


_Voice = Callable[[_Context, int], bool]
"""Whether the sentence speaks of a word of a run as of a person."""


def _mentions(context: _Context, fulls: Sequence[_Full], voice: _Voice) -> Iterator[PersonMention]:
    """The mentions of a run in order: its full names, and single words between them."""
    remaining = list(reversed(fulls))
    for i, word in enumerate(context.run):
        if remaining and word.end >= remaining[-1].end:
            yield _full_mention(context, remaining.pop())
        elif not (remaining and word.end > remaining[-1].start):
            yield from _short(context, i, voice)


def _full_mention(context: _Context, full: _Full) -> PersonMention:
    person, method = context.people.by_name[full.name]
    surface = context.text[full.start : full.end]
    return PersonMention(full.start, full.end, surface, person.value, person.key, method)


def _short(context: _Context, i: int, voice: _Voice) -> Iterator[PersonMention]:
    """The mention that a single word is, if it is one."""
    word = context.run[i]
    if not _may_refer(context, word) or _names_a_thing(context, i):
        return
    start = word.start - len(_particles_before(context.text, word.start))
    titled = _strongly_titled(context, i)
    for begin in dict.fromkeys((start, word.start)):
        if found := _resolved(context, i, begin, titled=titled):
            value, method = found
            yield _short_mention(context, begin, word.end, value, method)
            return
    if word.kind == "name" and (titled or voice(context, i) or _common_surname(context, i)):
        yield _short_mention(context, word.start, word.end, word.text, "title" if titled else "surname")


def _may_refer(context: _Context, word: _Word) -> bool:
    """Whether a word can be a reference at all; most capitalised words are dismissed here."""
    if word.kind in {"name", "given"}:
        return len(word.folded) > 1
    if word.kind in {"title", "initial", "suffix"}:
        return False
    return word.folded in context.people.by_surname or word.folded in context.lexicon.alone


def _common_surname(context: _Context, i: int) -> bool:
    """Whether a lone word is a surname as everybody knows it."""
    word = context.run[i]
    lone = len(context.run) == 1 and not _the_before(context.text, word.start)
    return lone and word.folded in context.lexicon.surnames


def _short_mention(context: _Context, start: int, end: int, value: str, method: str) -> PersonMention:
    key = context.people.keys.get(value) or name_key(value, context.lexicon)
    return PersonMention(start, end, context.text[start:end], value, key, method)


def _particles_before(text: str, start: int) -> str:
    if text[start - 2 : start - 1] not in _PARTICLE_ENDS:
        return ""
    found = _PARTICLED.search(text, max(0, start - 12), start)
    return found[1] if found else ""


def _strongly_titled(context: _Context, i: int) -> bool:
    if not i:
        found = _introduced(context.text, context.run[0].start, context.lexicon)
        return found and len(context.run) == 1
    before = context.run[i - 1]
    return before.kind == "title" and before.text.casefold() in context.lexicon.strong_titles


def _names_a_thing(context: _Context, i: int) -> bool:
    """Whether a word is a part of the name of something else: "Roe Tower", "the Roe Act"."""
    following = context.run[i + 1] if i + 1 < len(context.run) else None
    if following is None or context.run[i].cut:
        return False
    lower = following.text.casefold()
    return lower in context.lexicon.organisation_words or lower in context.lexicon.press_words


def _resolved(context: _Context, i: int, start: int, *, titled: bool) -> tuple[str, str] | None:
    """The person that a word refers to, and how that was found."""
    word = context.run[i]
    surname = fold(context.text[start : word.end])
    bearers = context.people.by_surname.get(surname)
    public = context.lexicon.alone.get(surname)
    if bearers and not _mere_word(context, i, titled=titled):
        value = _nearest(context.lexicon, bearers, start, public) or word.text
        return value, "title" if titled else "surname"
    if public and word.kind in {"name", "given", "never"} and not _beside_names(context, i):
        return public, "alias"
    return _by_given(context, i)


def _mere_word(context: _Context, i: int, *, titled: bool) -> bool:
    """Whether a surname that is also a word is that word here."""
    word = context.run[i]
    if titled or word.kind in {"name", "given"}:
        return word.kind == "given" and _beside_names(context, i) and not titled
    if word.kind == "acronym":
        return len(word.text) < 4  # noqa: PLR2004
    return len(context.run) > 1 or _starts_sentence(context.text, word.start)


def _beside_names(context: _Context, i: int) -> bool:
    """Whether an unknown word stands right before or after, so that both may be one name."""
    run = context.run
    before = i > 0 and run[i - 1].kind in {"name", "given"} and _is_stranger(context, run[i - 1])
    after = i + 1 < len(run) and run[i + 1].kind == "name" and not run[i].cut and _is_stranger(context, run[i + 1])
    return before or after


def _is_stranger(context: _Context, word: _Word) -> bool:
    return word.folded not in context.people.by_surname and word.folded not in context.lexicon.particles


def _starts_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 4) : start].rstrip(" \"“‘'(")
    return not before or before[-1] in ".!?:\n\u2022—"


def _nearest(lexicon: NameLexicon, bearers: _Bearers, start: int, public: str | None) -> str | None:
    """Of several persons of one surname the one that was last named in full; None where that is open."""
    if only := bearers.only:
        # a relative of the person whom everybody calls by the surname alone, named only later
        relative = public is not None and public != only.value and lexicon.persons.get(fold(only.value))
        return public if relative and bearers.starts[0] > start else only.value
    last = bearers.last_before(start)
    return last.value if last else public


def _by_given(context: _Context, i: int) -> tuple[str, str] | None:
    """The one person of the document with this first name, if it stands alone."""
    word = context.run[i]
    if word.kind != "given" or len(context.run) > 1 or word.folded in context.lexicon.ambiguous_given:
        return None
    bearers = context.people.by_given.get(word.folded)
    return (bearers.only.value, "given") if bearers and bearers.only else None


def _heard(context: _Context, i: int) -> bool:
    """Whether a lone word speaks ("Roe said") or is introduced by its speech ("said Roe")."""
    run, text = context.run, context.text
    start, end = run[i].start, run[i].end
    if len(run) > 1 or _the_before(text, start) or text[start - 1 : start] == "-" or _is_derived(run[i].text):
        return False
    after = _SPEAKS.match(text, end)
    if after is not None and after[1] in context.lexicon.speech:
        return True
    before = _BEFORE.search(text, max(0, start - 12), start)
    return before is not None and before[1] == "said" and text[end : end + 1] in {".", ",", "\n", ""}


def _unheard(_context: _Context, _i: int) -> bool:
    """Verbs of speech are known in English only."""
    return False
