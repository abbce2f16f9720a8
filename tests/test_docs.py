"""What the documents say is what the program does."""

from __future__ import annotations

import dataclasses
import re
import tomllib

import harness
import pytest
from harness import ingest, one, rows, settings, write

from cleaners.model import Article
from flows import schema
from flows.__main__ import COMMANDS, EXIT_CODES
from flows.settings import SECTIONS, Settings, load

DOCS = harness.ROOT / "docs"
README = (harness.ROOT / "README.md").read_text(encoding="utf-8")


def test_the_first_screen_of_the_readme_is_what_comes_out(raw, out):
    page, text, edits = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    write(raw, {"2024-10-14/page.txt": page})
    ingest(settings(raw, out))
    row = one(out, "articles")
    assert row["text"] + "\n" == text
    said = row["title"], row["authors"][0]["name"], row["authors"][0]["organization"], str(row["published_at"])[:10]
    assert said == ("Ferry pier to reopen in April", "Jane Roe", "Harbor News Service", "2024-10-14")
    assert [line.split() for line in edits.splitlines()] == [
        _spoken(edit).split() for edit in sorted(rows(out, "edits"), key=lambda edit: edit["seq"])
    ]


def _spoken(edit: dict) -> str:
    old, new = (f'"{side}"'.replace("\n", "\\n") for side in (edit["old"], edit["new"]))
    change = f"{old} → {new}" if edit["new"] else old
    return f"{edit['start']} {change} {', '.join(edit['rules'])}"


def test_the_readme_has_the_two_commands_each_on_one_line():
    found = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert len(found) == 2
    assert found[0].endswith("copydesk ingest")
    assert found[1].endswith("pytest")


def test_every_command_and_exit_code_is_in_the_readme():
    assert all(f"copydesk {command}" in README for command in COMMANDS)
    assert re.findall(r"^  (\d+) ", EXIT_CODES, re.MULTILINE) == ["0", "1", "2", "3", "130"]
    assert all(f"{code} " in README.split("Exit codes:")[1][:400] for code in (0, 1, 2, 3, 130))


def test_every_setting_is_documented_with_its_default(tmp_path):
    (example,) = re.findall(r"```toml\n(.*?)```", (DOCS / "settings.md").read_text(encoding="utf-8"), re.DOTALL)
    tables = tomllib.loads(example)
    assert {section: tuple(table) for section, table in tables.items()} == SECTIONS
    (tmp_path / "copydesk.toml").write_text(example, encoding="utf-8")
    assert dataclasses.replace(load(tmp_path / "copydesk.toml", {}), workers=1) == dataclasses.replace(
        Settings(), workers=1
    )
    assert {name for names in SECTIONS.values() for name in names} == {
        field.name for field in dataclasses.fields(Settings)
    }


def test_every_column_is_documented_with_its_type():
    said = (DOCS / "tables.md").read_text(encoding="utf-8")
    for table, kind in schema.TABLES.items():
        section = re.search(rf"^## {table}\n(.*?)(?=^## |\Z)", said, re.DOTALL | re.MULTILINE)[1]
        documented = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", section, re.MULTILINE)
        expected = [field for field in kind if table != "duplicates" or field not in schema.ARTICLES]
        assert [name for name, _ in documented] == [field.name for field in expected]
        assert all(_type(field) in written.replace("date32", "date32[day]") for field, (_, written) in
                   zip(expected, documented, strict=True))  # fmt: skip


def _type(field) -> str:
    name = str(field.type)
    spoken = {"timestamp[us, tz=UTC]": "timestamp[us, UTC]", "float": "float32"}
    return "list of" if name.startswith("list") else spoken.get(name, name)


def test_every_reason_for_a_reject_is_documented_and_no_other():
    code = "".join(
        path.read_text() for folder in ("cleaners", "flows") for path in (harness.ROOT / folder).glob("*.py")
    )
    pattern = r"""(?:Reject\(\s*[\w.]+,\s*"(?:\w+)"|_unreadable\(\s*\w+),\s*"([\w-]+)\""""
    documented = re.findall(r"^\| `\w+` \| `([\w-]+)`", (DOCS / "rejects.md").read_text(), re.MULTILINE)
    assert sorted(set(re.findall(pattern, code))) == sorted(documented)


def test_every_flag_is_documented(sample):
    said = (DOCS / "tables.md").read_text(encoding="utf-8")
    found = {flag for table in ("articles", "duplicates") for row in rows(sample, table) for flag in row["flags"]}
    assert found
    assert all(f"`{flag}`" in said for flag in found)


def test_every_column_of_articles_has_a_field_in_the_model_or_is_made_from_one():
    made = {"id", "text_sha256", "source_path", "source_sha256", "source_record", "cleaning_fingerprint"}
    spread = {"published_at", "published_precision", "published_raw", "published_source", "language_confidence",
              "language_method"}  # fmt: skip
    names = {field.name for field in dataclasses.fields(Article)}
    assert set(schema.ARTICLES.names) - made - spread == names - {
        "origin",
        "published",
        "published_stated",
        "edits",
        "mentions",
    }


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target


def test_links_of_the_readme_lead_somewhere():
    assert all((harness.ROOT / target).exists() for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README))
