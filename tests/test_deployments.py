"""`copydesk serve`, with a real Prefect server, real schedules and real processes."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow.parquet as pq
import pytest

T = TypeVar("T")

DAY = "2024-11-15"
ARTICLES = {
    "council.txt": "The council voted on Thursday to reopen the library in the old market hall. ",
    "ferry.txt": "A ferry with forty passengers waited out the storm in the harbour of the island. ",
    "concert.txt": "The orchestra opened its season with a concert for the people who built the hall. ",
}


@dataclass(frozen=True)
class Prefect:
    """A Prefect server that runs for the tests of this module."""

    api: str
    environment: dict[str, str]

    def ask(self, path: str, question: object = None) -> Any:
        """The answer of the server."""
        data = None if question is None else json.dumps(question).encode()
        request = urllib.request.Request(self.api + path, data, {"Content-Type": "application/json"})  # noqa: S310 - http
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - http
            return json.load(answer)

    def deployment(self, name: str) -> Any:
        """What the server knows of a deployment."""
        return self.ask(f"/deployments/name/{name}")

    def runs(self, name: str, state: str) -> Any:
        """The runs of a deployment that are in a state."""
        name = name.partition("/")[2]
        where = {"deployments": {"name": {"any_": [name]}}, "flow_runs": {"state": {"type": {"any_": [state]}}}}
        return self.ask("/flow_runs/filter", where)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prefect]:
    folder, port = tmp_path_factory.mktemp("prefect"), _free_port()
    environment = _environment(folder) | {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    prefect = Prefect(environment["PREFECT_API_URL"], environment)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, folder, environment, folder / "server.log") as process:
        _until(lambda: _answers(prefect), process, folder / "server.log")
        yield prefect


@dataclass(frozen=True)
class Served:
    """`copydesk serve`, running."""

    process: subprocess.Popen[bytes]
    log: Path
    out: Path


@pytest.fixture(scope="module")
def served(server: Prefect, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    _write_articles(folder / "raw")
    (folder / "empty").mkdir()  # started here: nothing of the code lies in the working folder
    command = _copydesk("serve", "--cron", "* * * * *", "--raw", "../raw", "--out", "../out", "--workers", "1")
    with _running(command, folder / "empty", server.environment, folder / "serve.log") as process:
        yield Served(process, folder / "serve.log", folder / "out")


# ── a schedule, a backfill, a stop: in this order, each with what the one before left ──────────


def test_the_scheduler_starts_an_ingest_that_publishes(server: Prefect, served: Served) -> None:
    run = _until(lambda: server.runs("ingest/ingest", "COMPLETED"), served.process, served.log)[0]
    assert run["auto_scheduled"]
    assert run["created_by"]["type"] == "SCHEDULE"
    titles = pq.read_table(served.out / "articles", columns=["source_path"]).to_pylist()
    assert sorted(row["source_path"] for row in titles) == sorted(f"{DAY}/{name}" for name in ARTICLES)


def test_what_a_run_says_stands_in_its_log_on_the_server(server: Prefect, served: Served) -> None:
    run = _until(lambda: server.runs("ingest/ingest", "COMPLETED"), served.process, served.log)[0]
    where = {"logs": {"flow_run_id": {"any_": [run["id"]]}}}
    _until(
        lambda: [entry for entry in server.ask("/logs/filter", where) if "raw files: " in entry["message"]],
        served.process,
        served.log,
    )


def test_the_deployments_get_absolute_paths_and_one_run_at_a_time(server: Prefect, served: Served) -> None:
    _until(lambda: server.runs("ingest/ingest", "COMPLETED"), served.process, served.log)
    for name in ("ingest/ingest", "backfill/backfill"):
        deployment = server.deployment(name)
        given = deployment["parameters"]
        assert Path(given["raw"]).is_absolute()
        assert Path(given["out"]).resolve() == served.out
        assert (given["workers"], given["config"]) == (1, None)
        assert deployment["global_concurrency_limit"]["limit"] == 1
        assert deployment["concurrency_options"]["collision_strategy"] == "ENQUEUE"


def test_the_form_of_a_backfill_asks_for_dates_and_a_choice(server: Prefect, served: Served) -> None:
    _until(lambda: server.runs("ingest/ingest", "COMPLETED"), served.process, served.log)
    form = server.deployment("backfill/backfill")["parameter_openapi_schema"]
    assert form["required"] == ["since", "until"]
    assert [form["properties"][name]["format"] for name in form["required"]] == ["date", "date"]
    assert form["properties"]["reprocess"]["enum"] == ["missing", "changed", "all"]


def test_a_backfill_asked_for_on_the_command_line_cleans_again(server: Prefect, served: Served) -> None:
    _until(lambda: server.runs("ingest/ingest", "COMPLETED"), served.process, served.log)
    said = [f"--param={name}={value}" for name, value in {"since": DAY, "until": DAY, "reprocess": "all"}.items()]
    command = [sys.executable, "-m", "prefect", "deployment", "run", "backfill/backfill", *said]
    asked = subprocess.run(command, env=server.environment, capture_output=True, text=True, check=False)
    assert asked.returncode == 0, asked.stdout + asked.stderr
    run = _until(lambda: server.runs("backfill/backfill", "COMPLETED"), served.process, served.log)[0]
    records = [json.loads(path.read_text()) for path in (served.out / "runs").glob("*.json")]
    cleaned = {record["prefect_flow_run"]: record["records"] for record in records}
    assert cleaned[run["id"]] == len(ARTICLES)


def test_a_stopped_serve_leaves_the_schedule_active(server: Prefect, served: Served) -> None:
    _until(lambda: server.runs("ingest/ingest", "COMPLETED"), served.process, served.log)
    served.process.send_signal(signal.SIGTERM)
    assert served.process.wait(timeout=60) == 0, served.log.read_text()
    assert "Traceback" not in served.log.read_text()
    deployment = server.deployment("ingest/ingest")
    assert deployment["paused"] is False
    assert [schedule["active"] for schedule in deployment["schedules"]] == [True]


# ── what cannot be served ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--cron", "61 * * * *"], "'61 * * * *' is not a cron expression"),
        (["--cron", ""], "'' is not a cron expression"),
        (["--cron", "0 0 31 2 *"], "'0 0 31 2 *' is not a cron expression that ever comes round"),
        (["--cron", "0 * * * *", "--timezone", "Mars/Olympus"], "'Mars/Olympus' is not a time zone"),
        (["--timezone", ""], "'' is not a time zone"),
        (["--cron", "0 * * * *"], "PREFECT_API_URL is not set"),
    ],
)
def test_what_cannot_be_served_is_refused_in_one_line(tmp_path: Path, options: list[str], complaint: str) -> None:
    _refused(tmp_path, options, _environment(tmp_path), complaint)


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{_free_port()}/api"
    _refused(tmp_path, [], _environment(tmp_path) | {"PREFECT_API_URL": address}, f"answers at {address}")


def _refused(folder: Path, options: list[str], environment: dict[str, str], complaint: str) -> None:
    command = _copydesk("serve", *options)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert complaint in done.stderr


# ── processes ───────────────────────────────────────────────────────────────────────────────


def _copydesk(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "flows", *arguments]


def _environment(folder: Path) -> dict[str, str]:
    """An environment without the settings of whoever runs the tests, and with a Prefect that is quick."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "COPYDESK_"))}
    return kept | {
        "HOME": str(folder),
        "PREFECT_HOME": str(folder / "home"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "3",
        "PREFECT_RUNNER_POLL_FREQUENCY": "2",
    }


def _write_articles(raw: Path) -> None:
    (raw / DAY).mkdir(parents=True)
    for name, sentence in ARTICLES.items():
        (raw / DAY / name).write_text("\n\n".join([f"A story of the {name[:-4]}", *[sentence * 2] * 3]) + "\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _running(
    command: list[str], folder: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A process in a group of its own; the group is ended afterwards, whatever happened."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the group of a process: politely, then not."""
    for signal_, seconds in ((signal.SIGTERM, 20), (signal.SIGKILL, 20)):
        try:
            os.killpg(process.pid, signal_)
            process.wait(seconds)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _answers(prefect: Prefect) -> bool:
    try:
        return prefect.ask("/health") is True
    except (OSError, urllib.error.URLError):
        return False


def _until(condition: Callable[[], T], process: subprocess.Popen[bytes], log: Path, seconds: float = 240) -> T:
    """What `condition` returns once that is something; fails with the log of the process it waits for."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        if found := condition():
            return found
        time.sleep(0.5)
    pytest.fail(f"waited in vain; exit code {process.poll()}; the log:\n{log.read_text()[-6000:]}")
