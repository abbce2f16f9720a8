"""Settings: file, environment and options in that rising order, and one clear line for what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import write

from flows import knowledge
from flows.settings import SettingsError, load


def test_options_go_before_the_environment_and_that_before_the_file(tmp_path):
    write(tmp_path, {"copydesk.toml": '[paths]\nraw = "a"\nout = "a"\n[run]\nworkers = 3\n'})
    found = load(tmp_path / "copydesk.toml", {"COPYDESK_OUT": "b", "COPYDESK_WORKERS": "4"}, {"workers": "5"})
    assert (found.raw, found.out, found.workers) == (Path("a"), Path("b"), 5)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[paths]\nout = ''", r"out in .*: '' is not a path"),
        ("[run]\nkeep_generations = 1.5", r"keep_generations in .*: 1.5 is not a whole number"),
        ("[paths]\nrow = 'x'", r"copydesk.toml: there is no setting row in \[paths\]; see docs/settings.md"),
        ("[clean]\ndatelines = 'drop'", r"datelines in .*: 'drop' is not one of keep, remove"),
        ("[duplicates]\nnear_threshold = 2", r"near_threshold in .*: 2 is not between 0.5 and 1.0"),
        ("[run]\nworkers = true", r"workers in .*: True is not a whole number"),
        ("[duplicates]\nprefer = 7", r"prefer in .*: 7 is not a list"),
        ("raw = 'x'", r"copydesk.toml: raw stands in no table"),
        ("[paths", r"copydesk.toml cannot be read: "),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_with_its_place(tmp_path, text, message):
    write(tmp_path, {"copydesk.toml": text})
    with pytest.raises(SettingsError, match=message):
        load(tmp_path / "copydesk.toml", {})


def test_a_misspelt_variable_is_refused():
    with pytest.raises(SettingsError, match="COPYDESK_WORKER: there is no such setting"):
        load(None, {"COPYDESK_WORKER": "4", "COPYDESK_EVAL": "somewhere"})


RULE = """
[[rule]]
id = "sign"
family = "source_tag"
why = "The Ledger signs its articles."
pattern = 'the ledger signs off[.]?'
cues = ["ledger"]
removes = ["The Ledger signs off."]
keeps = ["The Ledger signs off on the plan."]
"""


def test_rules_of_the_user_are_added_and_change_the_fingerprint(tmp_path):
    write(tmp_path, {"any-ledger.toml": RULE})
    plain, own = load(None, {}), load(None, {}, {"rules": str(tmp_path / "any-ledger.toml")})
    added = {rule.id: rule for rule in knowledge.load(own).rules if rule not in knowledge.load(plain).rules}
    assert {(name, rule.language) for name, rule in added.items()} == {("any-ledger.sign", "any")}
    assert knowledge.cleaning_fingerprint(own) != knowledge.cleaning_fingerprint(plain)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("id =", "ide ="), "any-ledger.toml, rule 1: missing or empty: id"),
        (("pattern = 'the", "pattern = '(the"), "any-ledger.toml, rule sign: the pattern is not a regular expression"),
        (
            ('keeps = ["The', 'keeps = "x" #'),
            "any-ledger.toml, rule sign: cues, sites, removes and keeps are lists of strings",
        ),
        (("why", "[["), "any-ledger.toml cannot be read"),
        (("[[rule]]", "[[rules]]"), "any-ledger.toml: holds no .*rule.*"),
    ],
)
def test_a_bad_rule_file_is_refused_with_file_rule_and_reason(tmp_path, change, message):
    write(tmp_path, {"any-ledger.toml": RULE.replace(*change)})
    with pytest.raises(SettingsError, match=message):
        knowledge.load(load(None, {}, {"rules": str(tmp_path / "any-ledger.toml")}))


def test_an_alias_file_of_the_user_is_refused_with_file_and_reason(tmp_path):
    write(tmp_path, {"mine.toml": "[[person]]\nname = 7\n"})
    with pytest.raises(SettingsError, match="mine"):
        knowledge.load(load(None, {}, {"aliases": str(tmp_path / "mine.toml")}))
