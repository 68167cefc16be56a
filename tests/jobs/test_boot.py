"""What begins a supervisor with the machine: the command from a shell that knows nothing, and the unit of systemd."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from job_parts import environment
from waiting import until

from workbench import paths
from workbench.diagnosis import examine
from workbench.jobs import boot, supervisor
from workbench.jobs.store import Store


@pytest.fixture
def folder(home: Path) -> Path:
    """A home with a schedule, and nobody who sees to it."""
    store = Store(paths.state(home))
    store.put_schedule("schedule/a", "monday 6:00", {"n": 1}, environment("done"))
    return home


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path / "config"


def test_the_command_begins_a_supervisor_from_a_shell_that_knows_nothing(folder: Path) -> None:
    assert not supervisor.runs(folder)
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    try:
        subprocess.run(["/bin/sh", "-c", boot.start(folder)], env=bare, cwd="/", check=True, capture_output=True)
        until(lambda: supervisor.runs(folder))
    finally:
        supervisor.shutdown(folder)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd is installed here")
def test_the_unit_is_one_that_systemd_takes(folder: Path, tmp_path: Path) -> None:
    unit = tmp_path / "workbench-a.service"
    unit.write_text("\n".join(boot.unit(folder)) + "\n")
    found = subprocess.run(["systemd-analyze", "--user", "verify", unit], capture_output=True, text=True, check=False)
    assert str(unit) not in found.stderr
    assert unit.name not in found.stderr


def test_doctor_names_the_command_until_it_was_given(
    folder: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said() -> list[str]:
        return [f"{f.what} {f.fix}" for f in examine(folder, folder / "models") if "as long as this machine" in f.what]

    assert len(said()) == 1
    assert not boot.begins(folder)
    programs = config.parent / "programs"
    programs.mkdir()
    table = config.parent / "table"
    script = f'#!/bin/sh\nif [ "$1" = -l ]; then cat {table}; else cat > {table}.new; mv {table}.new {table}; fi\n'
    (programs / "crontab").write_text(script)  # keeps a table as cron does; nothing is begun by it
    (programs / "crontab").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert "crontab -" in said()[0]
    subprocess.run(boot.command(folder), shell=True, check=True)
    assert table.read_text() == f"@reboot {boot.start(folder)}\n"
    assert boot.begins(folder)
    assert said() == []
