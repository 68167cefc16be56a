"""Logs: rotated by their own process, read over rotations, followed while they grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from waiting import until

from workbench.jobs import logs

WRITER = """
import sys
from pathlib import Path
from workbench.jobs import logs
folder = Path(sys.argv[1])
logs.reopen(logs.path(folder))
for line in sys.stdin:
    sys.stdout.write(line)
    sys.stdout.flush()
    logs.rotate(folder, most=int(sys.argv[2]))
"""


class Writer:
    """A process whose output is the log."""

    def __init__(self, folder: Path, most: int = 200) -> None:
        command = [sys.executable, "-c", WRITER, folder, str(most)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)

    def write(self, *lines: str) -> None:
        assert self.process.stdin
        self.process.stdin.writelines(f"{line}\n" for line in lines)
        self.process.stdin.flush()

    def end(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0


def lines(*numbers: int) -> list[str]:
    return [f"line {number:04}" for number in range(*numbers)]


def test_a_full_log_is_rotated_and_the_oldest_goes(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.write(*lines(200))
    writer.end()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log", *(f"log.{i}" for i in range(1, logs.KEPT))]
    assert all(file.stat().st_size <= 210 for file in tmp_path.iterdir())
    assert logs.tail(tmp_path, 50) == lines(150, 200)
    assert logs.tail(tmp_path, 3) == lines(197, 200)
    assert logs.tail(tmp_path, 0) == []
    kept = logs.tail(tmp_path, 1000)
    assert kept == lines(200 - len(kept), 200)
    assert (tmp_path / "log").stat().st_mode & 0o077 == 0


def test_two_processes_of_a_job_lose_nothing(tmp_path: Path) -> None:
    writers = [Writer(tmp_path, most=4000) for _ in range(2)]
    for start in range(0, 600, 20):
        for number, writer in enumerate(writers):
            writer.write(*(f"{number} {line}" for line in lines(start, start + 20)))
    for writer in writers:
        writer.end()
    found = logs.tail(tmp_path, 10_000)
    for number in range(2):
        assert [line[2:] for line in found if line[0] == str(number)] == lines(600)


def test_nothing_was_written_yet(tmp_path: Path) -> None:
    assert logs.tail(tmp_path, 10) == []
    assert list(logs.follow(tmp_path, lambda: True)) == []


def test_what_is_no_text_is_shown_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(b"a\xffb\r\n\nno end")
    assert logs.tail(tmp_path, 10)[-2:] == ["", "no end"]
    assert list(logs.follow(tmp_path, lambda: True))[-2:] == ["", "no end"]


def test_a_log_is_followed_over_rotations(tmp_path: Path) -> None:
    """Each line once and in order, though the file is rotated several times between two looks."""
    writer = Writer(tmp_path, most=1000)
    writer.write(*lines(30))
    until(lambda: logs.tail(tmp_path, 1) == ["line 0029"])
    state: dict[str, Any] = {"over": False}
    following = logs.follow(tmp_path, lambda: state["over"], lines=5)
    found = [next(following) for _ in range(5)]
    assert found == lines(25, 30)
    for start in range(30, 630, 100):  # a hundred lines fill a file
        writer.write(*lines(start, start + 100))
        found += [next(following) for _ in range(100)]
    writer.write(*lines(630, 900))
    writer.end()
    state["over"] = True
    found += list(following)
    assert found == lines(25, 900)


def test_a_line_is_given_when_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("one\ntw")
    state = {"over": 0}

    def ended() -> bool:
        state["over"] += 1
        if state["over"] == 2:
            with log.open("a") as file:
                file.write("o\nthr")
        return state["over"] > 3

    assert list(logs.follow(tmp_path, ended)) == ["one", "two", "thr"]


def test_the_last_lines_come_from_the_file_before_where_the_log_is_new(tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text("one\ntwo\n")
    (tmp_path / "log").write_text("three\n")
    assert list(logs.follow(tmp_path, lambda: True, lines=2)) == ["two", "three"]
