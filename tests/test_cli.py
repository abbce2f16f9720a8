"""The command as a user meets it: one clear line when something is wrong, and exit codes that tell."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

import harness
import pytest
from harness import PROSE, ingest, one, rows, settings, table_files, write

from flows.__main__ import COMMANDS, main

# As root every permission is granted, unless the capability to override it is given up.
UNPRIVILEGED = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"]
    if os.geteuid() == 0
    else []
)
needs_setpriv = pytest.mark.skipif(
    bool(UNPRIVILEGED) and shutil.which("setpriv") is None, reason="running as root without setpriv"
)


def unprivileged(*arguments: object, home) -> subprocess.CompletedProcess[str]:
    command = [*UNPRIVILEGED, sys.executable, "-m", "flows", *map(str, arguments)]
    environment = os.environ | {"HOME": str(home)}
    return subprocess.run(command, cwd=harness.ROOT, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_is_worth_reading(command, capsys):
    with pytest.raises(SystemExit) as exit_code:
        main([*([command] if command else []), "--help"])
    assert exit_code.value.code == 0
    said = capsys.readouterr().out
    assert "exit codes:" in said
    assert len(said.splitlines()) > 15


def test_an_empty_raw_folder_is_one_line_and_exit_code_2(raw, out, copydesk):
    done = copydesk("ingest", "--raw", raw, "--out", out)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"copydesk: {raw} is empty; put .txt, .html, .jsonl or .warc files (also .gz) into it\n"
    assert not out.exists()


def test_a_missing_raw_folder_is_one_line_and_exit_code_2(tmp_path, out, copydesk):
    done = copydesk("ingest", "--raw", tmp_path / "nowhere", "--out", out)
    assert done.returncode == 2
    assert done.stderr == (
        f"copydesk: there is no folder {tmp_path / 'nowhere'}; name the folder with the scraped files with --raw\n"
    )


@needs_setpriv
def test_a_raw_folder_without_permission_is_one_line_and_exit_code_2(raw, out, home):
    raw.chmod(0)
    done = unprivileged("ingest", "--raw", raw, "--out", out, home=home)
    raw.chmod(0o700)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"copydesk: cannot read the folder {raw}: Permission denied; allow it or name another with --raw\n"
    )


@needs_setpriv
def test_a_folder_and_a_file_without_permission_are_skipped_and_named_and_the_rest_is_kept(raw, out, home):
    write(raw, {"2024-10-01/closed/a.txt": PROSE, "2024-10-01/b.txt": PROSE, "2024-10-01/c.txt": PROSE})
    (raw / "2024-10-01/closed").chmod(0)
    (raw / "2024-10-01/c.txt").chmod(0)
    done = unprivileged("ingest", "--raw", raw, "--out", out, home=home)
    (raw / "2024-10-01/closed").chmod(0o700)
    assert done.returncode == 0, done.stderr
    assert "skipped 2024-10-01/closed: unreadable: Permission denied" in done.stdout
    assert "skipped 2024-10-01/c.txt: unreadable: Permission denied" in done.stdout
    assert one(out, "articles")["source_path"] == "2024-10-01/b.txt"


@needs_setpriv
def test_an_output_that_cannot_be_written_is_one_line_and_exit_code_2(raw, out, home):
    write(raw, {"2024-10-01/a.txt": PROSE})
    out.mkdir()
    out.chmod(0o500)
    done = unprivileged("ingest", "--raw", raw, "--out", out, home=home)
    assert done.returncode == 2
    assert done.stderr == f"copydesk: cannot write to {out}: Permission denied; choose another folder with --out\n"
    assert list(out.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["ingest", "--workers", "none"], "copydesk: --workers: 'none' is not a whole number"),
        (["ingest", "--workers", "0"], "copydesk: --workers: '0' is not between 1 and 256"),
        (["ingest", "--out", ""], "copydesk: --out: '' is not a path"),
        (["ingest", "--out", "raw/out"], "copydesk: raw/out is inside the raw folder raw; choose another with --out"),
        (["ingest", "--config", "nowhere.toml"], "copydesk: nowhere.toml cannot be read: "),
        (
            ["backfill", "--from", "2024-10-02", "--to", "2024-10-01"],
            "copydesk: --from 2024-10-02 is after --to 2024-10-01",
        ),
        (["status", "--out", "nowhere"], "copydesk: nothing is published in nowhere yet; run `copydesk ingest`"),
        (["verify", "--out", "nowhere"], "copydesk: nothing is published in nowhere yet; run `copydesk ingest`"),
    ],
)
def test_what_cannot_start_is_one_line_and_exit_code_2(arguments, line, capsys):
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(line)
    assert said.count("\n") == 1


@needs_setpriv
def test_a_home_that_cannot_be_written_is_not_needed(raw, out, tmp_path):
    write(raw, {"2024-10-01/a.txt": PROSE})
    (tmp_path / "home").mkdir(mode=0o500)
    done = unprivileged("ingest", "--raw", raw, "--out", out, home=tmp_path / "home")
    assert done.returncode == 0, done.stderr
    assert len(rows(out, "articles")) == 1


def test_a_prefect_server_that_does_not_answer_is_one_line_and_exit_code_2(raw, out, copydesk, home):
    write(raw, {"2024-10-01/a.txt": PROSE})
    environment = os.environ | {"HOME": str(home), "PREFECT_API_URL": "http://127.0.0.1:9/api"}
    done = copydesk("ingest", "--raw", raw, "--out", out, env=environment)
    assert done.returncode == 2
    assert done.stderr.startswith("copydesk: no Prefect server answers at http://127.0.0.1:9/api (")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["status", "show raw/sample/2024-10-14/ferry-talks.txt", "verify", "ingest --help"])
def test_a_reader_that_has_had_enough_is_no_failure(sample, home, command):
    out = "" if "--help" in command else f"--out {sample}"
    line = f"set -o pipefail; {sys.executable} -m flows {command} {out} | {{ exec 0<&-; sleep 1; }}"
    environment = os.environ | {"HOME": str(home)}
    done = subprocess.run(
        ["bash", "-c", line], cwd=harness.ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_second_run_meanwhile_is_one_line_and_exit_code_3(raw, out, copydesk):
    write(raw, {"2024-10-01/a.txt": PROSE})
    from flows.publish import locked  # noqa: PLC0415 - only here

    with locked(settings(raw, out)):
        done = copydesk("ingest", "--raw", raw, "--out", out)
    assert done.returncode == 3
    assert done.stderr.startswith(f"copydesk: {out} is in use by process {os.getpid()} on ")
    assert done.stderr.count("\n") == 1


def test_a_backfill_cleans_the_days_of_the_range_and_a_dry_run_cleans_nothing(raw, out, copydesk):
    write(raw, {f"2024-10-0{day}/a.txt": f"{PROSE} It was day {day} of all." for day in (1, 2, 3)})
    days = ("--from", "2024-10-02", "--to", "2024-10-03", "--raw", raw, "--out", out)
    done = copydesk("backfill", *days, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "2024-10-02  1      1 new   clean 1" in done.stdout
    assert "2024-10-01" not in done.stdout
    assert not (out / "current").exists()
    done = copydesk("backfill", *days)
    assert done.returncode == 0, done.stderr
    assert {row["source_path"][:10] for t in ("articles", "duplicates") for row in rows(out, t)} == {
        "2024-10-02",
        "2024-10-03",
    }
    assert "nothing new" in copydesk("backfill", *days, "--reprocess", "all").stdout
    ingest(settings(raw, out))
    ingest(settings(raw, out.parent / "at once"))
    assert table_files(out) == table_files(out.parent / "at once")


def test_show_marks_what_was_removed_and_names_the_rule(sample, copydesk):
    done = copydesk("show", "raw/sample/2024-10-14/ferry-talks.txt", "--out", sample)
    assert done.returncode == 0
    assert "[-Story continues below advertisement-]⟦en.ad-marker" in done.stdout
    row = one(sample, "duplicates", source_path="sample/2024-10-14/ferry-talks.txt")
    by_id = copydesk("show", row["id"][:10], "--out", sample).stdout
    assert "[-Story continues below advertisement-]⟦en.ad-marker" in by_id
    assert f"duplicate_of      {row['duplicate_of']}" in by_id


def test_show_of_a_jsonl_file_shows_every_record_and_why_some_were_rejected(sample, copydesk):
    done = copydesk("show", "raw/sample/2024-10-14/articles.jsonl", "--out", sample)
    assert done.stdout.count("source_record ") == 8
    assert "rejected          invalid-json: " in done.stdout


def test_show_of_what_is_not_there_says_what_to_try(sample, capsys):
    assert main(["show", "ffffffffffff", "--out", str(sample)]) == 1
    assert "no article or duplicate with an id that starts so" in capsys.readouterr().err
    assert main(["show", "", "--out", str(sample)]) == 1
    assert "ids start with" in capsys.readouterr().err


def test_scraped_text_cannot_drive_the_terminal(raw, out, capsys):
    write(raw, {"2024-10-01/evil.txt": f"\x1b]0;owned\x07\x1b[2J{PROSE}\n\n[bold]not markup[/bold] \x9b31m\n"})
    assert main(["show", str(raw / "2024-10-01/evil.txt"), "--raw", str(raw), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert not {"\x1b", "\x07", "\x9b"} & set(said)
    assert "[bold]not markup[/bold]" in said


def test_status_tells_the_counts_of_every_day(sample, copydesk):
    said = copydesk("status", "--out", sample).stdout
    assert "2024-10-14  15    9         2" in said
    assert "rejected 1: no-article" in said


def test_a_terminal_sees_a_bar_and_a_log_sees_lines(raw, out, copydesk, home):
    write(raw, {"2024-10-01/a.txt": PROSE})
    assert "cleaned 1 records, 1 of 1 shards" in copydesk("ingest", "--raw", raw, "--out", out).stderr
    import pty  # noqa: PLC0415 - only here

    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "flows", "ingest", "--raw", raw, "--out", out.parent / "terminal"]
    environment = os.environ | {"HOME": str(home), "TERM": "xterm-256color", "COLUMNS": "100"}
    with subprocess.Popen(map(str, command), cwd=harness.ROOT, env=environment, stdout=subprocess.PIPE, stderr=theirs):
        os.close(theirs)
        said = b""
        while chunk := _read(ours):
            said += chunk
    os.close(ours)
    assert b"\x1b[" in said
    assert b"1/1" in said


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # what Linux says when the other end of a terminal is gone
        return b""


def test_an_interrupt_publishes_nothing_and_the_next_run_goes_on(raw, out, copydesk, home):
    records = [{"text": f"{PROSE} Number {number}."} for number in range(4000)]
    write(raw, {"2024-10-01/a.jsonl": records})
    command = [sys.executable, "-m", "flows", "ingest", "--raw", raw, "--out", out, "--workers", "1"]
    environment = os.environ | {"HOME": str(home)}
    with subprocess.Popen(map(str, command), cwd=harness.ROOT, env=environment, stderr=subprocess.PIPE) as run:
        while not list((out / ".shards").glob("*")) and run.poll() is None:
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert said == b"copydesk: stopped; what is published is whole, and the next run goes on from here\n"
    assert not (out / "current").exists()
    assert copydesk("ingest", "--raw", raw, "--out", out).returncode == 0
    assert sum(len(rows(out, table)) for table in ("articles", "duplicates")) == 4000


@pytest.mark.skipif(shutil.which("ps") is None, reason="needs ps to see processes")
def test_a_killed_run_leaves_no_process_behind_and_the_next_one_goes_on(raw, out, copydesk, home):
    records = [{"text": f"{PROSE} Number {number}."} for number in range(4000)]
    write(raw, {"2024-10-01/a.jsonl": records})
    command = [sys.executable, "-m", "flows", "ingest", "--raw", raw, "--out", out, "--workers", "1"]
    with subprocess.Popen(map(str, command), cwd=harness.ROOT, env=os.environ | {"HOME": str(home)}) as run:
        while not list((out / ".shards").glob("*")) and run.poll() is None:
            time.sleep(0.05)
        children = _children(run.pid)
        run.kill()
    assert len(children) >= 3  # a worker, the temporary server, its guard
    for _ in range(200):
        if not [child for child in children if _is_running(child)]:
            break
        time.sleep(0.1)
    assert [child for child in children if _is_running(child)] == []
    assert copydesk("ingest", "--raw", raw, "--out", out).returncode == 0
    assert sum(len(rows(out, table)) for table in ("articles", "duplicates")) == 4000
    assert not list(out.rglob(".tmp-*"))


def _children(parent: int) -> list[int]:
    said = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = [tuple(map(int, line.split())) for line in said.splitlines()]
    return [pid for pid, of in pairs if of == parent]


def _is_running(pid: int) -> bool:
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(said.strip()) and not said.strip().startswith("Z")
