"""The pre-warmed process: it only imports, and it is replaced when what it imported may be out of date."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.spawn import client, environment, owner

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(not client.can_fork(), reason="no pre-warmed processes on this platform")


@pytest.fixture(autouse=True)
def warm() -> Iterator[None]:
    client.warm()
    yield
    client.cool()
    client._the.forget()


def look(tmp_path: Path, **options: Any) -> dict[str, Any]:
    env = environment.clean() | {"PYTHONPATH": str(HERE)} | options.pop("env", {})
    ended = client.run("targets:look", {}, **{"env": env, "cwd": tmp_path} | options)
    seen: dict[str, Any] = json.loads(ended.output)
    return seen


def tasks() -> list[str]:
    return os.listdir(f"/proc/{client.warm_pid()}/task")


def test_it_has_one_thread_whatever_it_imported(tmp_path: Path) -> None:
    assert len(tasks()) == 1
    preload = ("sklearn.ensemble", "sklearn.pipeline", "lightgbm", "xgboost", "scipy.stats", "matplotlib.pyplot")
    seen = look(tmp_path, preload=preload)
    assert len(tasks()) == 1
    assert {"sklearn", "lightgbm", "xgboost"} <= set(seen["loaded"])
    assert seen["parent"] == client.warm_pid()
    assert not client._the.unforkable & set(preload)


def test_more_is_imported_ahead_on_request(tmp_path: Path) -> None:
    client.warm(["sklearn.linear_model"])
    assert "sklearn" in look(tmp_path)["loaded"]


def test_what_does_not_survive_a_fork_is_left_to_the_forks(tmp_path: Path) -> None:
    seen = look(tmp_path, preload=["zmq", "IPython", "no_such_module", "targets", "sklearn.nothing"])
    assert not {"zmq", "IPython", "targets_"} & set(seen["loaded"])
    assert seen["parent"] == client.warm_pid()


def test_forks_may_use_openmp(tmp_path: Path) -> None:
    env = environment.clean(threads=2) | {"PYTHONPATH": str(HERE)}
    for _ in range(3):
        ended = client.run(
            "targets:learn_with_openmp", {}, env=env, cwd=tmp_path, preload=["sklearn.ensemble"], timeout=60
        )
        assert ended.output == "5000"
    assert len(tasks()) == 1


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where packages are installed for the pre-warmed process of this test: what changes in the folder that all have
    would replace those of the tests beside it, too."""
    folder, ours = tmp_path / "packages", owner.command
    folder.mkdir()
    place = f"import site, sys; sys.path.append({str(folder)!r}); site.getusersitepackages = lambda: {str(folder)!r}"

    def command(module: str, call: str) -> list[str]:
        *program, code = ours(module, call)
        return [*program, f"{place}\n{code}"]

    client.cool()
    monkeypatch.setattr(owner, "command", command)
    client.warm()
    return folder


@pytest.fixture
def starts_a_thread(packages: Path) -> str:
    """An installed module whose import starts a thread."""
    file = packages / "wb_test_starts_a_thread.py"
    file.write_text("import threading\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n")
    client.cool()
    client.warm()
    return file.stem


def test_a_process_with_threads_is_never_forked(tmp_path: Path, starts_a_thread: str) -> None:
    before = client.warm_pid()
    seen = look(tmp_path, preload=[starts_a_thread])
    assert seen["parent"] == os.getpid(), "a fresh one instead"
    seen = look(tmp_path, preload=[starts_a_thread])
    assert seen["parent"] == client.warm_pid() != before, "a new one, which leaves that module to its forks"
    assert len(tasks()) == 1


def test_it_is_replaced_when_packages_are_installed(tmp_path: Path, packages: Path) -> None:
    before, owned = client.warm_pid(), client._the.owned
    assert look(tmp_path)["parent"] == before
    (packages / "wb_test_package-1.0.dist-info").mkdir()
    seen = look(tmp_path)
    assert seen["parent"] == client.warm_pid() != before
    assert owned is not None
    assert owned is not client._the.owned
    assert owned.process.wait(10) == 0


def test_a_running_fork_outlives_the_replacement(tmp_path: Path) -> None:
    import threading

    client.warm_pid()
    env = environment.clean() | {"PYTHONPATH": str(HERE)}
    pids, stop = tmp_path / "pids", tmp_path / "stop"
    ended: list[client.Ended] = []
    arguments = {"pids": str(pids), "stop": str(stop)}
    thread = threading.Thread(
        target=lambda: ended.append(client.run("targets:wait_for", arguments, env=env, cwd=tmp_path))
    )
    thread.start()
    while not pids.exists():
        threading.Event().wait(0.01)
    with client._the.lock:
        client._the.retire()
    stop.touch()
    thread.join()
    assert ended[0].ok, ended[0]


def test_variables_that_are_read_at_the_start_need_a_fresh_process(tmp_path: Path) -> None:
    assert look(tmp_path, env={"OTHER": "1", "TZ": "UTC"})["parent"] == client.warm_pid()
    for name in ("PYTHONHASHSEED", "LD_PRELOAD_NOT", "OMP_DYNAMIC"):
        assert look(tmp_path, env={name: "0"})["parent"] == os.getpid()


def test_a_killed_one_is_replaced(tmp_path: Path) -> None:
    before = client.warm_pid()
    assert before is not None
    os.kill(before, signal.SIGKILL)
    assert look(tmp_path)["cwd"]
    assert client.warm_pid() != before
    assert look(tmp_path)["parent"] == client.warm_pid()


def test_one_that_cannot_start_is_done_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client.cool()
    monkeypatch.setattr(owner, "command", lambda module, call: [sys.executable, "-c", "raise SystemExit(3)"])
    client.warm()
    for _ in range(5):
        assert look(tmp_path)["parent"] == os.getpid()
    assert client._the.owned is None


def test_without_warm_processes_are_fresh(tmp_path: Path) -> None:
    client.cool()
    assert look(tmp_path)["parent"] == os.getpid()
    assert client.warm_pid() is None


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    client.cool()
    monkeypatch.setenv("WORKBENCH_WARM", "0")
    client.warm()
    assert client.warm_pid() is None


def test_it_is_out_of_the_reach_of_an_interrupt() -> None:
    pid = client.warm_pid()
    assert pid is not None
    assert os.getsid(pid) == pid


def test_a_fork_of_the_owner_has_one_of_its_own() -> None:
    client.warm_pid()
    assert client._the.owned is not None
    pid = os.fork()
    if not pid:
        os._exit(0 if client._the.owned is None else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert client._the.owned.current()
