"""Fixtures of the whole path, and the rule that evaluation tests may not be skipped where the data is."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import harness
import pytest

EVALUATION = Path(os.environ.get("COPYDESK_EVAL", harness.ROOT.parent / "shared" / "eval"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if (
        report.skipped
        and item.get_closest_marker("evaluation")
        and EVALUATION.is_dir()
        and not hasattr(report, "wasxfail")
    ):
        report.outcome, report.longrepr = "failed", f"skipped although {EVALUATION} is there: {report.longrepr}"


@pytest.fixture(scope="session")
def evaluation() -> Path:
    """The folder with labelled data (README: Evaluation data)."""
    if not EVALUATION.is_dir():
        pytest.skip(f"no evaluation data in {EVALUATION}; set COPYDESK_EVAL")
    return EVALUATION


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def copydesk(home: Path):
    """The command, as a user runs it: in a process of its own, with an empty home."""

    def command(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("COPYDESK_")}
        return subprocess.run(
            [sys.executable, "-m", "flows", *map(str, arguments)],
            **{"cwd": harness.ROOT, "env": environment | {"HOME": str(home)}, **options},  # type: ignore[call-overload]
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )

    return command


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory, copydesk) -> Path:
    """The output of `copydesk ingest` on the committed sample. Tests read it, none changes it."""
    out = tmp_path_factory.mktemp("sample") / "processed"
    done = copydesk("ingest", "--out", out)
    assert done.returncode == 0, done.stderr
    return out


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "processed"
