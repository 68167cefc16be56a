"""Processes from the pre-warmed one and fresh ones: nothing but the time tells them apart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from waiting import until

from workbench.errors import NotFound
from workbench.spawn import client, environment
from workbench.spawn.client import Ended, run

HERE = Path(__file__).parent
Run = Callable[..., Ended]


@pytest.fixture(scope="module", autouse=True)
def warm() -> Iterator[None]:
    client.warm()
    yield
    client.cool()


@pytest.fixture(params=["warm", "fresh"])
def run_in(request: pytest.FixtureRequest, tmp_path: Path) -> Run:
    """`run` from the pre-warmed process, and from a fresh one."""
    fresh = request.param == "fresh"
    if not fresh and not client.can_fork():
        pytest.skip("no pre-warmed processes on this platform")

    def run_here(target: str, args: dict[str, Any] | None = None, **options: Any) -> Ended:
        env = environment.clean() | {"PYTHONPATH": str(HERE)} | options.pop("env", {})
        before = client.warm_pid()
        ended = run(f"targets:{target}", args or {}, **{"env": env, "cwd": tmp_path, "fresh": fresh} | options)
        assert client.warm_pid() == before
        return ended

    return run_here


def look(run_in: Run, **options: Any) -> dict[str, Any]:
    ended = run_in("look", {"a": [1, "ü", None]}, **options)
    assert ended.ok, ended.output
    seen: dict[str, Any] = json.loads(ended.output)
    assert seen["parent"] in (client.warm_pid(), os.getpid())
    return seen


def gone(pid: int) -> bool:
    """Whether the process has ended, or ends within ten seconds."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        threading.Event().wait(0.02)
    return False


def appears(file: Path) -> str:
    until(file.exists, f"{file} never came")
    return file.read_text()


def test_a_process_is_what_the_request_says(run_in: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of the notebook")
    mask = os.umask(0o027)
    try:
        seen = look(run_in, env={"TZ": "Asia/Tokyo", "MINE": "1"})
    finally:
        os.umask(mask)
    assert seen["args"] == {"a": [1, "ü", None]}
    assert seen["env"]["MINE"] == "1"
    assert "SECRET" not in seen["env"]
    assert seen["cwd"] == os.path.realpath(tmp_path)
    assert seen["path"][0] == str(HERE)
    assert not {"", str(Path.cwd() / "tests"), str(tmp_path)} & set(seen["path"])
    assert seen["umask"] == 0o027
    assert seen["zone"][0] == "JST"
    assert seen["main"] == []
    assert seen["argv"] == ["targets:look"]
    assert seen["threads"] == [1]
    assert seen["session"]


@pytest.mark.skipif(not client.can_fork(), reason="no pre-warmed processes on this platform")
def test_a_fork_and_a_fresh_process_see_the_same(tmp_path: Path) -> None:
    env = environment.clean() | {"PYTHONPATH": str(HERE), "MINE": "1"}
    asked = {"env": env, "cwd": tmp_path}
    forked, fresh = (
        json.loads(run("targets:look", {}, **asked, fresh=fresh).output)  # type: ignore[arg-type]
        for fresh in (False, True)
    )
    assert forked["parent"] == client.warm_pid()
    assert fresh["parent"] == os.getpid()
    added_by_openmp = "KMP_DUPLICATE_LIB_OK"  # by threadpoolctl's import, after the variables were set
    fresh["env"].pop(added_by_openmp, None)
    for what in ("env", "path", "cwd", "umask", "main", "argv", "threads", "zone"):
        assert forked[what] == fresh[what], what
    assert "pandas" in forked["loaded"]
    assert "pandas" not in fresh["loaded"]


def test_how_libraries_compute_is_taken_over_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other instructions than the kernel's give other last bits."""
    for name in ("OPENBLAS_CORETYPE", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES", "OMP_NUM_THREADS", "SECRET"):
        monkeypatch.setenv(name, "7")
    env = environment.clean()
    assert {name for name, value in env.items() if value == "7"} == {
        "OPENBLAS_CORETYPE", "MKL_CBWR", "NPY_DISABLE_CPU_FEATURES",
    }  # fmt: skip
    assert env["OMP_NUM_THREADS"] == "1"


def test_each_draws_numbers_of_its_own(run_in: Run) -> None:
    first, second = (look(run_in)["random"] for _ in range(2))
    assert not set(first) & set(second)


def test_the_number_of_threads_is_the_requests(run_in: Run) -> None:
    assert look(run_in, env=environment.clean(threads=2))["threads"] == [2]


def test_what_raises_says_where(run_in: Run) -> None:
    ended = run_in("fail", {"thing": "luck"})
    assert (ended.status, ended.signal, ended.ok) == (1, None, False)
    assert ended.output.endswith("ValueError: no luck\n")
    assert 'targets.py", line' in ended.output


@pytest.mark.parametrize(("said", "status"), [(0, 0), (7, 7), (None, 0), ("words", 1)])
def test_exit_statuses(run_in: Run, said: Any, status: int) -> None:
    ended = run_in("leave", {"status": said})
    assert ended.status == status
    assert ended.output == ("words\n" if said == "words" else "")


def test_what_does_not_exist(run_in: Run, tmp_path: Path) -> None:
    assert "has no attribute 'nothing'" in run_in("nothing").output
    with pytest.raises(NotFound, match="no folder"):
        run_in("look", cwd=tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGABRT"])
def test_death_by_a_signal_is_told_and_what_was_printed_is_kept(run_in: Run, name: str) -> None:
    ended = run_in("die", {"signal": name})
    assert (ended.signal, ended.status) == (name, -getattr(signal, name))
    assert ended.output.startswith("the last words\n")
    assert look(run_in)["cwd"], "the pre-warmed process lives on"


def test_a_crash_names_its_line(run_in: Run) -> None:
    ended = run_in("crash")
    assert ended.signal == "SIGSEGV"
    assert "in crash" in ended.output


def test_threads_and_exit_functions_run_to_their_end(run_in: Run) -> None:
    assert run_in("at_exit").output == "a thread\nat exit\n"


def test_when_the_time_is_up_all_of_it_is_killed(run_in: Run, tmp_path: Path) -> None:
    for patience in (2.0, 10.0, 50.0):
        asked = {"pids": str(tmp_path / "pids"), "stop": str(tmp_path / "stop")}
        ended = run_in("wait_for", asked, timeout=patience)
        assert ended.timed_out
        assert ended.signal == "SIGKILL"
        assert patience <= ended.seconds < patience + 6.0
        if (tmp_path / "pids").exists():  # else its time was up before it had begun
            break
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())


def test_an_interrupt_kills_all_of_it(run_in: Run, tmp_path: Path) -> None:
    look(run_in)

    begun = list[float]()

    def interrupt() -> None:
        appears(tmp_path / "pids")
        begun.append(time.monotonic())
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    with_signal = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            run_in("wait_for", {"pids": str(tmp_path / "pids"), "stop": str(tmp_path / "stop")}, timeout=60)
    finally:
        thread.join()
        signal.signal(signal.SIGINT, with_signal)
    assert time.monotonic() - begun[0] < 10
    assert all(gone(int(pid)) for pid in (tmp_path / "pids").read_text().split())
    assert look(run_in)["cwd"]


def test_two_at_once(run_in: Run, tmp_path: Path) -> None:
    ended: list[Ended] = []
    names = (str(tmp_path / "a"), str(tmp_path / "b"))
    threads = [
        threading.Thread(target=lambda m=mine, o=other: ended.append(run_in("meet", {"mine": m, "other": o})))
        for mine, other in (names, names[::-1])
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e.status for e in ended] == [0, 0], [e.output for e in ended]


def test_long_output_keeps_its_end(run_in: Run) -> None:
    ended = run_in("look", {"long": "x" * 3_000_000})
    assert len(ended.output) == 1_000_000
    assert ended.output.endswith("}")


@pytest.mark.parametrize("how", ["warm", "fresh"])
def test_nothing_is_left_when_the_owner_is_killed(tmp_path: Path, how: str) -> None:
    if not client.can_fork():
        pytest.skip("needs /proc")
    owner = subprocess.Popen([sys.executable, str(HERE / "owners.py"), str(tmp_path), how])
    running, its_child = map(int, appears(tmp_path / "pids").split())
    warm = int((tmp_path / "owner").read_text())
    assert bool(warm) == (how == "warm")
    owner.kill()
    owner.wait()
    try:
        assert gone(running)
        if how == "warm":
            assert gone(warm)
            assert gone(its_child)
    finally:
        if how == "fresh":  # what a model starts by itself there, it has to end by itself
            os.kill(its_child, signal.SIGKILL)
