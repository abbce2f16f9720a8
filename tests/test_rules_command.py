"""`copydesk rules`: what recurs on a site is proposed, what is in force is listed, and both can be tried."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from harness import PROSE, SAMPLE, ingest, rows, settings, write
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cleaners.boilerplate import LEAST_ARTICLES, SiteLines, SiteText, as_toml, file_name, recurring_lines
from cleaners.edits import clean
from cleaners.model import Raw, Rule
from cleaners.residue import MAX_LINE, parse_rules, residue
from flows import knowledge, rules
from flows.__main__ import main
from flows.plan import Selection

BELL = "The Ledger bell, ringing at noon since 1998"
DESK = "The Ledger's desk reads every letter (and answers 3 of 4)."
LETTERS = str.maketrans("0123456789", "abcdefghij")
ESCAPE = "\x1b]0;owned\x07"


def body(number: int) -> str:
    """A paragraph like no other, in words without digits."""
    words = (f"w{number}x{position}".translate(LETTERS) for position in range(60))
    return " ".join(["On", *words, "it ended."])


def article(number: int, *lines: str, site: str = "ledger.example") -> dict[str, object]:
    text = "\n\n".join((body(2 * number), *lines, body(2 * number + 1)))
    return {"id": number, "site": site, "text": text, "title": f"Story {number}"}


CORPUS: dict[str, list[dict[str, object]]] = {
    "2024-10-01/a.jsonl": [
        *(article(n, BELL.upper() if n % 2 else BELL.replace("1998", str(1990 + n)), DESK) for n in range(6)),
        article(6, *[BELL] * 50, "Only once"),
        article(7),
    ],
    "2024-10-02/b.jsonl": [
        *(article(n, "Ring the bell twice", site='bell"\n../x.example') for n in range(20, 25)),
        article(30, BELL, site="lonely.example"),
        *(article(n, site="plain.example") for n in range(40, 46)),
        *({"id": n, "text": f"{body(n)}\n\nNobody's line"} for n in range(50, 56)),
    ],
}


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `raw` and `processed`, ingested once. Tests read it, none changes it."""
    folder = tmp_path_factory.mktemp("rules")
    write(folder / "raw", CORPUS)
    ingest(settings(folder / "raw", folder / "processed"))
    return folder


@pytest.fixture
def command(published, tmp_path, monkeypatch, capsys):
    """`copydesk rules …` over that folder, run in an empty one: its exit code, and what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> tuple[int, str]:
        knowledge._load.cache_clear()  # kept for a process, which a command has for itself
        folders = ("--raw", published / "raw", "--out", published / "processed")
        code = main(["rules", *map(str, (*arguments, *folders))])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


# ── what recurs ─────────────────────────────────────────────────────────────────────────────

PIECES = st.sampled_from(
    ["Read our blog", "Straße 7", "ΟΔΟΣ", "İstanbul", "ﬁve \\d+ (of) [x]", "it's “42”", "a.b*c|d", "更多"]
)
LINES = st.builds(lambda piece, way: way(piece), PIECES, st.sampled_from([str, str.upper, str.lower, str.title]))
NUMBERED = st.builds(lambda line, number: f"{line} {number}", LINES, st.integers(0, 10**12))
ANY_LINE = st.text(st.characters(exclude_characters="\n", codec="utf-8"), max_size=30)
TEXTS = st.lists(LINES | NUMBERED | ANY_LINE | st.just(PROSE), max_size=8).map("\n".join)
SITES = st.sampled_from(["ledger.example", 'a "quoted"\nsite/../with\x1beverything'])
ARTICLES = st.lists(st.tuples(SITES, TEXTS), max_size=12).map(
    lambda pairs: [SiteText(f"{number:032x}", site, text) for number, (site, text) in enumerate(pairs)]
)


def proposed(site: str, found: SiteLines) -> tuple[Rule, ...]:
    name = file_name(site)
    return parse_rules({name.removesuffix(".toml"): tomllib.loads(as_toml(site, found, name))})


@given(ARTICLES)
@hypothesis_settings(deadline=None)
def test_a_proposal_always_parses_and_removes_its_lines_from_every_article_they_were_counted_in(articles):
    for site, found in recurring_lines(lambda: articles, 2).items():
        if found.lines:
            for rule, line in zip(proposed(site, found), found.lines, strict=True):
                removed = [article for article in articles if article.site == site and fires(rule, article.text)]
                assert len(removed) >= line.articles >= 2
                assert rule.sites == (site,)
                assert list(rules.contradictions([rule], [rule])) == []


def fires(rule: Rule, text: str) -> bool:
    return bool(clean(text, residue((rule,))).edits)


@given(ARTICLES, st.randoms(use_true_random=False))
@hypothesis_settings(deadline=None)
def test_the_order_of_the_articles_does_not_matter(articles, random):
    shuffled = random.sample(articles, len(articles))
    assert recurring_lines(lambda: shuffled, 2) == recurring_lines(lambda: articles, 2)


@given(st.text())
def test_whatever_a_site_is_called_its_file_has_one_plain_name(site):
    name = file_name(site)
    assert Path(name).name == name
    assert re.fullmatch(r"any-\w[\w-]*\.toml", name)
    assert len(name.encode()) < 255


def lines_of(*texts: str, least: int = 2) -> list[tuple[int, str]]:
    articles = [SiteText(f"{number:032x}", "ledger.example", text) for number, text in enumerate(texts)]
    found = recurring_lines(lambda: articles, least)["ledger.example"]
    return [(line.articles, line.surfaces[0]) for line in found.lines]


def test_a_line_counts_once_for_each_article_however_often_it_stands_there():
    assert lines_of("Ring the bell\n" * 10_000, body(1), body(2)) == []
    assert lines_of("Ring the bell\n" * 10_000, "RING THE BELL", body(2)) == [(2, "RING THE BELL")]


def test_lines_that_no_rule_could_remove_are_not_proposed():
    wrapped = "They said of all the papers of the harbor that nobody would\nread them twice"
    assert lines_of(*[f"* * *\n\n7\n\n{'long ' * MAX_LINE}\n{body(number)}\n{wrapped}" for number in range(3)]) == [
        (3, "They said of all the papers of the harbor that nobody would")
    ]


def test_on_a_large_site_a_line_must_stand_in_a_share_of_the_articles_too():
    texts = [body(number) + ("\nRing the bell" if number < 6 else "") for number in range(1500)]
    assert lines_of(*texts[:1000], least=5) == [(6, "Ring the bell")]
    assert lines_of(*texts, least=5) == []


def test_two_lines_of_one_name_become_two_rules():
    texts = ["Ring the bell!\nRing the bell?\n12 times\n更多"] * 2
    articles = [SiteText(str(number), "x", text) for number, text in enumerate(texts)]
    assert [rule.id for rule in proposed("x", recurring_lines(lambda: articles, 2)["x"])] == [
        "any-x.times", "any-x.ring-the-bell", "any-x.ring-the-bell-2", "any-x.更多",
    ]  # fmt: skip


# ── learn ───────────────────────────────────────────────────────────────────────────────────


def test_without_a_site_the_sites_are_listed(command):
    code, said = command("learn")
    assert code == 0
    assert re.search(r"ledger\.example +8 +2 ", said)
    assert re.search(r"plain\.example +6 +0 ", said)
    assert "lonely.example" not in said
    assert "3 of 4 sites have 5 or more articles; choose one with --site" in said
    assert "6 articles have no site" in said


def test_a_proposal_says_what_was_counted_where_and_changes_nothing(command, published, tmp_path):
    before = (published / "processed/current").resolve()
    code, said = command("learn", "--site", "ledger.example")
    assert code == 0
    assert re.search(r"7 of 8 \( 88%\)  body  THE LEDGER BELL, RINGING AT NOON SINCE 1998", said)
    assert "wrote any-ledger-example.toml: 2 proposed rules, none in force" in said
    written = (tmp_path / "any-ledger-example.toml").read_text(encoding="utf-8")
    assert "copydesk backfill --reprocess changed" in written
    assert "# 7 of 8 articles, mostly in the body; for one: copydesk show " in written
    bell, desk = tomllib.loads(written)["rule"]
    assert bell["pattern"] == r"THE LEDGER BELL, RINGING AT NOON SINCE \d+"
    assert bell["why"] == "Stood in 7 of 8 articles of ledger.example."
    assert desk["removes"] == [DESK]
    assert (published / "processed/current").resolve() == before


def test_a_proposal_is_the_same_every_time(command, tmp_path):
    command("learn", "--site", "ledger.example", "--write", tmp_path / "any-one.toml")
    command("learn", "--site", "ledger.example", "--write", tmp_path / "any-two.toml")
    one, two = ((tmp_path / f"any-{name}.toml").read_text(encoding="utf-8") for name in ("one", "two"))
    assert one.replace("any-one", "any-two") == two


def test_a_proposal_takes_effect_when_a_person_accepts_it(command, published, tmp_path):
    command("learn", "--site", "ledger.example")
    raw, out = published / "raw", tmp_path / "processed"
    ingest(settings(raw, out))
    accepted = settings(raw, out, rules=[str(tmp_path / "any-ledger-example.toml")])
    assert "stale" in ingest(accepted).plan.statuses.values()
    assert any(BELL in row["text"] for row in rows(out, "articles"))
    ingest(accepted, Selection(reprocess="changed"))
    left = [row["text"] for row in rows(out, "articles") if row["site"] == "ledger.example"]
    assert len(left) == 8
    assert not any("ledger" in text.casefold() for text in left)
    assert [row["site"] for row in rows(out, "articles") if BELL in row["text"]] == ["lonely.example"]


def test_a_note_says_that_texts_are_not_what_the_rules_of_now_leave(command, tmp_path):
    assert "note:" not in command("learn", "--site", "ledger.example")[1]
    rule_file(tmp_path, "any-bell.toml")
    (tmp_path / "copydesk.toml").write_text('[clean]\nrules = ["any-bell.toml"]\n', encoding="utf-8")
    assert "note: 2 of 2 files were cleaned by other rules than those of now" in command("learn")[1]


def test_a_file_that_is_there_is_never_written_over(command, tmp_path):
    (tmp_path / "any-ledger-example.toml").write_text("mine", encoding="utf-8")
    code, said = command("learn", "--site", "ledger.example")
    assert (code, said.count("\n")) == (2, 1)
    assert said.startswith("copydesk: any-ledger-example.toml is there already and is not written over")
    assert (tmp_path / "any-ledger-example.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("ledger.toml", "name the file any-….toml"),
        ("any-.toml", "name the file any-….toml"),
        ("nowhere/any-x.toml", "there is no folder nowhere"),
        (f"any-{'x' * 300}.toml", "cannot be written"),
        ("/proc/any-x.toml", "cannot be written"),
    ],
)
def test_a_file_that_cannot_be_one_is_refused_in_one_line(command, target, reason):
    code, said = command("learn", "--site", "ledger.example", "--write", target)
    assert (code, said.count("\n")) == (2, 1)
    assert reason in said


def test_a_site_with_a_strange_name_stays_inside_the_folder_and_inside_its_quotes(command, tmp_path):
    site = 'bell"\n../x.example'
    code, said = command("learn", "--site", site)
    assert code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["any-bell-x-example.toml"]
    assert "5 of 5 (100%)  body  Ring the bell twice" in said
    (rule,) = tomllib.loads((tmp_path / "any-bell-x-example.toml").read_text(encoding="utf-8"))["rule"]
    assert rule["sites"] == [site]


@pytest.mark.parametrize(
    "arguments", [("plain.example",), ("lonely.example",), ("ledger.example", "--min-articles", 8)]
)
def test_where_nothing_recurs_nothing_is_written(command, tmp_path, arguments):
    code, said = command("learn", "--site", *arguments)
    assert code == 0
    assert "nothing was written" in said
    assert list(tmp_path.iterdir()) == []


def test_a_site_that_nobody_knows_is_one_line_with_those_that_may_be_meant(command, tmp_path):
    code, said = command("learn", "--site", "leger.example")
    assert (code, said.count("\n")) == (1, 1)
    assert "did you mean ledger.example?" in said or "did you mean ledger.example or" in said
    assert "`copydesk rules learn` lists the sites" in command("learn", "--site", "\x1b")[1]
    assert list(tmp_path.iterdir()) == []


def test_before_the_first_ingest_there_is_nothing_to_learn_from(capsys):
    assert main(["rules", "learn", "--out", "nowhere"]) == 2
    assert "nothing is published in nowhere yet; run `copydesk ingest`" in capsys.readouterr().err


@pytest.mark.parametrize("number", ["1", "0", "-3", "many", "²", "9" * 5000])
def test_a_number_of_articles_that_is_none_is_refused(number, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["rules", "learn", "--min-articles", number])
    assert stopped.value.code == 2
    assert "is not a whole number from 2 on" in capsys.readouterr().err


def test_the_help_says_the_numbers_that_are_used(capsys):
    for action, number in (("learn", LEAST_ARTICLES), ("test", rules.SAMPLE)):
        with pytest.raises(SystemExit):
            main(["rules", action, "--help"])
        assert f"default: {number})" in " ".join(capsys.readouterr().out.split())


# ── list ────────────────────────────────────────────────────────────────────────────────────

RULE = {
    "id": "bell",
    "family": "related",
    "why": f"A bell is no news.{ESCAPE}",
    "pattern": "ring the bell twice",
    "cues": ["bell"],
    "sites": ["bell.example"],
    "removes": ["Ring the bell twice"],
    "keeps": ["Ring the bell twice, he said."],
}


def rule_file(folder: Path, name: str, *changes: dict[str, object]) -> Path:
    tables = ({**RULE, **change} for change in changes or ({},))
    stanzas = ("\n".join(["[[rule]]", *(f"{key} = {toml(value)}" for key, value in table.items())]) for table in tables)
    (folder / name).write_text("\n".join(stanzas), encoding="utf-8")
    return folder / name


def toml(value: object) -> str:
    return json.dumps(value).replace("\x7f", "\\u007f")


def test_every_rule_in_force_is_listed_with_what_it_does_and_why(command, tmp_path):
    rule_file(tmp_path, "any-bell.toml")
    (tmp_path / "copydesk.toml").write_text('[clean]\nrules = ["any-bell.toml"]\n', encoding="utf-8")
    code, said = command("list")
    assert code == 0
    for rule in knowledge.load(settings(tmp_path, tmp_path)).rules:
        assert re.search(
            rf"^{re.escape(rule.id)} +{rule.effect} +{rule.scope} +{rule.zone} +{rule.family} ", said, re.MULTILINE
        )
    assert re.search(
        r"^any-bell\.bell +remove +line +any +related +only bell.example: A bell is no news\.", said, re.MULTILINE
    )
    assert "\x1b" not in said
    assert re.search(r"^\d+ rules: \d+ remove, \d+ vote, \d+ note$", said, re.MULTILINE)


def test_the_rules_for_a_language_are_those_that_its_texts_meet(command, tmp_path):
    rule_file(tmp_path, "xx-bell.toml")
    (tmp_path / "copydesk.toml").write_text('[clean]\nrules = ["xx-bell.toml"]\n', encoding="utf-8")
    _, said = command("list", "--language", "xx")
    assert {line.split(".")[0].partition("-")[0] for line in said.splitlines()[:-1]} == {"any", "en", "xx"}
    _, said = command("list", "--language", "yy")
    assert "no rules are written for yy; its texts meet those of any and en" in said


# ── test ────────────────────────────────────────────────────────────────────────────────────


def test_a_proposal_is_tried_on_the_raw_files_before_it_is_accepted(command):
    command("learn", "--site", "ledger.example")
    code, said = command("test", "any-ledger-example.toml")
    assert code == 0
    assert "26 records of 2 files: 26 articles" in said
    assert "any-ledger-example.the-ledger-bell-ringing-at-noon-since  removes from 7 of 8 articles" in said
    assert f'"{BELL.upper()}"  2024-10-01/a.jsonl, record 1' in said
    assert "2 rules, 0 of which never fired; their examples hold" in said


def test_a_rule_that_never_fires_is_named_with_the_reason(command, tmp_path):
    silent = {"id": "silent", "sites": ["ledger.example"]}
    rule_file(tmp_path, "any-bell.toml", {"sites": ["nowhere.example"]}, silent)
    rule_file(tmp_path, "xx-bell.toml", {"sites": []})
    said = command("test", "any-bell.toml")[1]
    assert "never fired, no article here is of nowhere.example: any-bell.bell" in said
    assert "never fired, 8 articles tried: any-bell.silent" in said
    assert "never fired, no article here is in xx: xx-bell.bell" in command("test", "xx-bell.toml")[1]


@pytest.mark.parametrize("effect", ["vote", "note"])
def test_a_rule_that_votes_or_notes_says_where_it_matches(command, tmp_path, effect):
    rule_file(tmp_path, "any-noon.toml", {"pattern": "the ledger bell[^\n]*", "effect": effect, "sites": [],
                                          "cues": ["ledger"], "removes": [BELL], "keeps": ["No."]})  # fmt: skip
    assert "any-noon.bell  matches in 8 of 26 articles" in command("test", "any-noon.toml")[1]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"removes": ["Ring the bell"]}, 'any-bell.bell does not remove its example "Ring the bell"'),
        ({"cues": ["Bell"]}, "(it holds none of its cues, in small letters)"),
        ({"keeps": ["RING THE BELL TWICE"]}, '"RING THE BELL TWICE", which any-bell.bell removes'),
        ({"keeps": ["Advertisement"]}, '"Advertisement", which en.ad-marker removes'),
    ],
)
def test_a_rule_that_breaks_its_own_examples_is_exit_code_1(command, tmp_path, change, reason):
    rule_file(tmp_path, "any-bell.toml", change)
    code, said = command("test", "any-bell.toml")
    assert code == 1
    assert reason in said
    assert "1 examples are wrong" in said


def test_rules_of_different_sites_or_languages_do_not_meet(command, tmp_path):
    taken = {"id": "taken", "sites": ["other.example"], "keeps": ["Ring the bell twice"], "pattern": "other bell",
             "removes": ["Other bell"]}  # fmt: skip
    rule_file(tmp_path, "any-bell.toml", {}, taken)
    assert command("test", "any-bell.toml")[0] == 0
    rule_file(tmp_path, "any-bell.toml", {}, taken | {"sites": ["bell.example", "other.example"]})
    assert command("test", "any-bell.toml")[0] == 1


def test_a_file_of_rules_that_is_in_force_already_is_tried_once(command, tmp_path):
    rule_file(tmp_path, "any-bell.toml", {"sites": []})
    (tmp_path / "copydesk.toml").write_text('[clean]\nrules = ["any-bell.toml"]\n', encoding="utf-8")
    code, said = command("test", tmp_path / "any-bell.toml")
    assert (code, said.splitlines()[1]) == (0, "any-bell.bell  removes from 5 of 26 articles")


def test_a_packaged_file_of_rules_can_be_tried_too(command):
    packaged = Path(knowledge.__file__).parent.parent / "cleaners/rules/en.toml"
    code, said = command("test", packaged, "--sample", 5)
    assert code == 0
    assert "5 records of 2 files: 5 articles" in said


def test_a_raw_file_shows_the_rules_in_force_that_fire_in_it(command):
    code, said = command("test", SAMPLE / "sample/2024-10-14/ferry-talks.txt")
    assert code == 0
    assert said.startswith("1 records of 1 files: 1 articles\n")
    assert '"Story continues below advertisement"' in said
    assert re.search(r"^never fired, 1 articles tried: .*any\.twitter-picture", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("target", "code", "reason"),
    [
        ("nowhere.toml", 1, "there is no file nowhere.toml"),
        (".", 1, "there is no file ."),
        ("x" * 300, 1, "x"),
        ("notes.xyz", 1, "no reader for this kind of file; known are .toml (rules), .txt"),
        ("any-broken.toml", 2, "cannot be read"),
        ("any-empty.toml", 2, "holds no [[rule]]"),
    ],
)
def test_a_file_that_cannot_be_tried_is_one_line(command, tmp_path, target, code, reason):
    write(tmp_path, {"notes.xyz": "x", "any-broken.toml": b"\xff", "any-empty.toml": ""})
    found, said = command("test", target)
    assert (found, said.count("\n")) == (code, 1)
    assert reason in said


def test_an_empty_raw_folder_is_one_line_and_exit_code_2(raw, capsys):
    assert main(["rules", "test", "--raw", str(raw)]) == 2
    assert capsys.readouterr().err.startswith(f"copydesk: {raw} is empty; put .txt")


def test_what_cannot_be_read_is_counted_and_takes_nothing_along(raw, out, capsys):
    write(
        raw,
        {"a.jsonl.gz": b"\x1f\x8bbroken", "b.jsonl": b'{"text": 1}\nno\n', "c.txt": PROSE, "d.html": "", "e.xyz": "x"},
    )
    main(["rules", "test", "--raw", str(raw), "--out", str(out)])
    said = capsys.readouterr().out
    assert said.startswith("5 records of 4 files: 1 articles, 1 damaged, 1 empty, 1 invalid-json, 1 no-text\n")


def test_an_article_of_which_nothing_is_left_is_named(raw, out, tmp_path, capsys):
    write(raw, {"a.txt": "Ring the bell twice\n\nRing the bell twice\n", "b.txt": PROSE})
    target = rule_file(tmp_path, "any-bell.toml", {"sites": []})
    assert main(["rules", "test", str(target), "--raw", str(raw), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "any-bell.bell  removes from 1 of 2 articles" in said
    assert "nothing is left of 1 articles, for one a.txt, record 0" in said


def test_scraped_text_and_rules_cannot_drive_the_terminal(raw, out, tmp_path, capsys):
    write(raw, {f"a{ESCAPE}.txt": f"{PROSE}\n\n{ESCAPE} ring\x9b31m the bell\u202e\n"})
    target = rule_file(
        tmp_path, "any-bell.toml", {"pattern": "[^\n]*the bell[^\n]*", "sites": [], "keeps": [f"The bell{ESCAPE}"]}
    )
    assert main(["rules", "test", str(target), "--raw", str(raw), "--out", str(out)]) == 1
    said = capsys.readouterr().out
    assert "the bell" in said
    assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(said)


# ── the sample ──────────────────────────────────────────────────────────────────────────────


def sample(raw: Path, out: Path, size: int) -> list[tuple[str, int]]:
    return [(record.origin.path, record.origin.record) for record in rules.sampled(size, settings(raw, out))]


def test_the_sample_is_spread_over_the_files_and_always_the_same(raw, out):
    records = [{"text": f"{PROSE} {number}"} for number in range(500)]
    write(raw, {"big.jsonl": records, **{f"{name}.txt": PROSE for name in "abcdefgh"}})
    found = sample(raw, out, 18)
    assert found == sample(raw, out, 18)
    assert len(set(found)) == 18
    assert {path for path, _ in found} == {"big.jsonl", *(f"{name}.txt" for name in "abcdefgh")}
    assert len(sample(raw, out, 4)) == 4
    assert len(sample(raw, out, 5000)) == 508


def test_a_name_with_colons_is_no_picture(raw, out, capsys):
    write(raw, {"a:bell:.txt": f"{PROSE}\n\nAdvertisement"})
    main(["rules", "test", str(raw / "a:bell:.txt"), "--raw", str(raw), "--out", str(out)])
    assert "a:bell:.txt, record 0" in capsys.readouterr().out


def test_of_a_huge_file_only_the_beginning_is_read(raw, out, monkeypatch):
    write(raw, {"huge.jsonl": b'{"text": "x"}\n' * 200_000})
    reader, read = rules.READERS[".jsonl"], list[Raw]()

    def counting(stream, context):
        for record in reader(stream, context):
            read.append(record)
            yield record

    monkeypatch.setattr(rules, "READERS", {**rules.READERS, ".jsonl": counting})
    assert len(sample(raw, out, 50)) == 50
    assert len(read) <= 2 * rules.WINDOW * 50
