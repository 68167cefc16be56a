"""The embedded log: what several processes put on it is all there, in order, and each group reads all of it."""

from __future__ import annotations

import os
import select
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.data.log import Log
from workbench.data.log_groups import Group, place
from workbench.errors import NotFound, StorageError, UsageError

OTHERS = Path(__file__).with_name("log_processes.py")


def values(log: Log) -> list[bytes]:
    return [record.value for record in log.read(0, 1_000_000)]


def filled(folder: Path, count: int, name: str = "rows", **more: int) -> Log:
    log = Log(folder, name, **more)  # type: ignore[arg-type]
    log.append([b"%d" % i for i in range(1, count + 1)])
    return log


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts another process that uses a log of the test's folder."""
    started = []

    def start(what: str, *args: str) -> subprocess.Popen[str]:
        command = [sys.executable, str(OTHERS), what, str(tmp_path), "rows", *args]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout
    return [process.stdout.readline().strip() for _ in range(count)]


def test_several_processes_append_at_once(other: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    """They make the file together as well; no record is lost, offsets are dense, and each append stays together."""
    writers = [other("append", who, "60") for who in "abcd"]
    said = [writer.communicate(timeout=60)[0].split() for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    records = Log(tmp_path, "rows").read(0, 10_000)
    assert [record.offset for record in records] == list(range(1, 4 * 60 * 7 + 1))
    for who, answers in zip("abcd", said, strict=True):
        own = [record for record in records if record.key == who]
        assert [record.value for record in own] == [f"{who}:{number}".encode() for number in range(60 * 7)]
        assert [record.offset for record in own][6::7] == [int(answer) for answer in answers]
        assert all(own[i + 6].offset - own[i].offset == 6 for i in range(0, len(own), 7))


def test_a_writer_that_is_killed_leaves_whole_appends(
    other: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    for _ in range(5):
        writer = other("append", "a", "100000")
        said = lines(writer, 5)
        writer.kill()
        writer.wait()
        log = Log(tmp_path, "rows")
        assert log.last >= int(said[-1])
        assert log.last % 7 == 0
        assert [record.offset for record in log.read(0, 10**6)] == list(range(1, log.last + 1))


def test_each_group_sees_all_and_goes_on_where_it_was(tmp_path: Path) -> None:
    log = filled(tmp_path, 10)
    for name in ("scores", "audit"):
        group = Group(log, name)
        assert group.acquire()
        assert [record.value for record in group.poll(4, 0)] == [b"1", b"2", b"3", b"4"]
        group.commit(2)
        group.release()
        again = Group(Log(tmp_path, "rows"), name, start="end")  # where it begins matters the first time only
        assert again.acquire()
        assert again.generation == 2
        assert [record.offset for record in again.poll(100, 0)] == list(range(3, 11))
        again.release()
    assert log.offsets() == {"scores": 2, "audit": 2}


def test_one_of_a_group_reads_and_the_next_follows_it(
    other: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """A killed reader is followed at once by the one that waits, which reads what that had not committed."""
    log = filled(tmp_path, 0)
    readers = [other("read", "scores") for _ in range(2)]
    assert [lines(reader, 1) for reader in readers] == [["waits"]] * 2
    log.append([b"1", b"2", b"3"])
    (speaks,), _, _ = select.select([reader.stdout for reader in readers], [], [], 30)
    first = next(reader for reader in readers if reader.stdout is speaks)
    second = next(reader for reader in readers if reader is not first)
    assert lines(first, 4) == ["reads", "1", "2", "3"]
    assert not Group(log, "scores").acquire(lambda: True)
    first.kill()
    assert lines(second, 1) == ["reads"]
    log.append([b"4"])
    assert lines(second, 1) == ["4"]
    assert log.offsets() == {"scores": 4}


def test_what_a_reader_forked_does_not_keep_its_group(tmp_path: Path) -> None:
    """A model may have processes of its own, which live on when their stream is killed."""
    script = (
        "import os, sys; from pathlib import Path; from workbench.data.log import Log;"
        "from workbench.data.log_groups import Group;"
        f"group = Group(Log(Path({str(tmp_path)!r}), 'rows'), 'scores'); group.acquire();"
        "pid = os.fork();"
        "pid or sys.stdin.read();"
        "pid and (print(pid, flush=True), sys.stdin.read())"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        forked = int(lines(owner, 1)[0])
        owner.kill()
        owner.wait()
        os.kill(forked, 0)  # it lives
        refused = iter(range(500))
        assert Group(Log(tmp_path, "rows"), "scores").acquire(lambda: next(refused, None) is None)
    finally:
        os.killpg(owner.pid, 9)
        owner.communicate()


def test_a_reader_that_was_followed_commits_nothing_more(tmp_path: Path) -> None:
    log = filled(tmp_path, 5)
    old, new = Group(log, "scores"), Group(Log(tmp_path, "rows"), "scores")
    assert old.acquire()
    assert new.acquire()  # a lock is of a process, and both are of this one
    new.commit(4)
    with pytest.raises(StorageError, match="another process reads queue rows for the group scores"):
        old.commit(2)
    assert log.offsets() == {"scores": 4}


def test_where_a_new_group_begins(tmp_path: Path) -> None:
    log = filled(tmp_path, 9)
    for said, expected in {"start": 0, "end": 9, "4": 4, "9": 9}.items():
        group = Group(log, f"from-{said}", start=said)
        assert group.acquire()
        assert group.position == expected
        assert group.lag(group.position) == 9 - expected
        assert [record.offset for record in group.poll(100, 0)] == list(range(expected + 1, 10))
        group.seek(2)  # replay, nothing counts as undone
        assert group.poll(1, 0)[0].offset == 3
        assert log.offsets()[group.name] == expected
        group.release()


@pytest.mark.parametrize("said", ["²", "-1", "first", "1.5", ""])
def test_what_is_no_place_in_a_queue(tmp_path: Path, said: str) -> None:
    with pytest.raises(UsageError, match="is no place in a queue"):
        place(filled(tmp_path, 3), said)


def test_a_place_beyond_the_end(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="queue rows ends at offset 3, before 4"):
        place(filled(tmp_path, 3), "4")


@pytest.mark.parametrize("name", ["a/b", "", ".hidden", "a b", "rows\n", "x" * 101])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a queue"):
        Log(tmp_path, name)
    with pytest.raises(UsageError, match="is no name of a group"):
        Group(Log(tmp_path, "rows"), name)


def test_names_of_queues_and_groups_do_not_run_into_each_other(tmp_path: Path) -> None:
    """Group `c` of queue `a.b` is not group `b.c` of queue `a`."""
    one = Group(Log(tmp_path, "a.b"), "c")
    script = (
        "from pathlib import Path; from workbench.data.log import Log; from workbench.data.log_groups import Group;"
        f"print(Group(Log(Path({str(tmp_path)!r}), 'a'), 'b.c').acquire(lambda: True))"
    )
    assert one.acquire()
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "True"


def test_keys_headers_and_what_a_source_put_already(tmp_path: Path) -> None:
    log = Log(tmp_path, "rows")
    log.append([b"x", b"y"], ["Köln", None], [{"error": "é"}, None])
    records = log.read(0, 10)
    assert [(record.key, record.headers) for record in records] == [("Köln", {"error": "é"}), (None, None)]
    assert log.append([b"z"], source="other", offset=5) == 3
    assert log.append([b"z"], source="other", offset=5) == 3
    assert log.append([], source="other", offset=7) == 3
    assert log.position("other") == 7
    assert log.position("none") == 0
    assert values(log) == [b"x", b"y", b"z"]


def test_what_every_group_has_is_let_go_when_it_is_old(tmp_path: Path) -> None:
    log = filled(tmp_path, 10)
    groups = [Group(log, "fast"), Group(log, "slow")]
    assert log.trim(seconds=-1) == 0  # nobody reads it yet
    for group, done in zip(groups, (9, 4), strict=True):
        group.acquire()
        group.commit(done)
    assert log.trim(seconds=3600) == 0
    assert log.trim(seconds=-1) == 4
    assert log.first == 4
    assert values(log)[0] == b"5"
    groups[0].commit(10)
    groups[1].commit(10)
    assert log.trim(seconds=-1) == 6
    assert (log.first, log.last) == (10, 10)
    assert log.append([b"x"]) == 11  # an offset is never given again


def test_a_full_log_refuses_and_names_who_lags(tmp_path: Path) -> None:
    log = Log(tmp_path, "rows", kept=1000)
    fast, slow = Group(log, "fast"), Group(log, "slow")
    for group in (fast, slow):
        group.acquire()
    for _ in range(10):
        log.append([b"x" * 100])
    fast.commit(10)
    with pytest.raises(StorageError, match=r"queue rows is full.*group slow is at 0 of 10") as caught:
        log.append([b"x" * 100])
    assert "catch up" in str(caught.value)
    assert log.last == len(values(log)) == 10
    slow.commit(1)
    assert log.append([b"x" * 100]) == 11  # room for it is enough
    assert [record.offset for record in log.read(0, 100)] == list(range(2, 12))
    slow.commit(11)
    fast.commit(11)
    assert log.append([b"x" * 950]) == 12
    assert log.first == 11


def test_a_log_that_nobody_reads_keeps_the_newest(tmp_path: Path) -> None:
    log = Log(tmp_path, "dead", kept=1000)
    for i in range(50):
        log.append([b"%0100d" % i])
    kept = values(log)
    assert int(kept[-1]) == 49
    assert 5 <= len(kept) <= 10
    with pytest.raises(StorageError, match="queue dead is full"):
        log.append([b"x" * 1001])
    assert values(log) == kept


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    log = filled(tmp_path / "queues", 3)
    Group(log, "scores")
    assert {stat.S_IMODE(file.stat().st_mode) for file in log.folder.iterdir()} == {0o600}
    assert stat.S_IMODE(log.folder.stat().st_mode) == 0o700


def test_two_logs_in_one_process(tmp_path: Path) -> None:
    """Opening the file a second time leaves the locks of the first in place."""
    first = filled(tmp_path, 1)
    held = first._connection.execute("begin immediate")
    Log(tmp_path, "rows").close()
    script = f"import sqlite3; c = sqlite3.connect({str(first.file)!r}, timeout=0); c.execute('begin immediate')"
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stderr
    assert "locked" in said
    held.close()
    first._connection.execute("rollback")


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "rows.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StorageError, match="queue rows is damaged") as caught:
        Log(tmp_path, "rows")
    assert f"mv {tmp_path}/rows.db" in str(caught.value)


def test_a_file_whose_middle_was_overwritten(tmp_path: Path) -> None:
    log = filled(tmp_path, 5000)
    log.close()
    size = log.file.stat().st_size
    with log.file.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StorageError, match=r"queue rows is damaged.*rows\.db"):
        Log(tmp_path, "rows").read(0, 10_000)


def test_a_database_that_is_no_queue(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "rows.db") as shop:
        shop.execute("create table customers (age integer)")
    shop.close()
    with pytest.raises(StorageError, match="is a database, and no queue"):
        Log(tmp_path, "rows")


def test_a_log_of_a_newer_version(tmp_path: Path) -> None:
    filled(tmp_path, 1).close()
    newer = sqlite3.connect(tmp_path / "rows.db")
    newer.execute("pragma user_version = 2")
    newer.close()
    with pytest.raises(StorageError, match="queue rows was written by a newer Workbench") as caught:
        Log(tmp_path, "rows")
    assert "pip install" in str(caught.value)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "queues").write_text("a file")
    with pytest.raises(StorageError, match=r"queue rows: .*queues/rows\.db"):
        Log(tmp_path / "queues", "rows")


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no queue rows"):
        Log(tmp_path, "rows", create=False)
    assert not list(tmp_path.iterdir())


def test_a_log_that_is_removed_while_it_is_read(tmp_path: Path) -> None:
    """Its reader would wait for ever at a file that nobody else sees; made anew it is another log."""
    log = filled(tmp_path, 3)
    group = Group(log, "scores")
    group.acquire()
    assert len(group.poll(10, 0)) == 3
    log.file.unlink()
    anew = filled(tmp_path, 3)
    with pytest.raises(UsageError, match="queue rows was removed while it was read"):
        group.poll(10, 0)
    assert anew.identity != log.identity
    assert anew.identity == Log(tmp_path, "rows").identity
