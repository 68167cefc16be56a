"""The database of a home where it cannot be used as it should: each says what is so and what helps."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from disks import disk_of
from job_parts import environment

from workbench.errors import StorageError
from workbench.jobs import database
from workbench.jobs.store import Store

MOUNTS = """\
/dev/vda1 / ext4 rw 0 0
server:/export {folder} {kind} rw 0 0
/dev/vdb1 {folder}/local ext4 rw 0 0
"""


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "on the net"
    folder.mkdir()
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS.format(folder=str(folder).replace(" ", "\\040"), kind=kind))
    monkeypatch.setattr(database, "_MOUNTS", mounts)
    (tmp_path / "link").symlink_to(folder)
    for state in (folder / "state", tmp_path / "link" / "state"):
        with pytest.raises(StorageError, match=rf"network file system \({kind}\)") as caught:
            Store(state).jobs()
        assert "WORKBENCH_STATE" in str(caught.value.fix)
        assert not state.exists()
    for state in (folder / "local" / "state", tmp_path / "beside"):
        assert Store(state).jobs() == []


def test_a_store_of_a_newer_workbench_is_read_and_not_written(store: Store) -> None:
    store.put("stream/a", {}, environment())
    connection = sqlite3.connect(store.database.file)
    connection.execute("alter table jobs add column colour text")
    connection.execute(f"pragma user_version = {database.VERSION + 1}")
    connection.close()
    other = Store(store.folder)
    assert other.database.newer
    assert [job.name for job in other.jobs()] == ["stream/a"]
    with pytest.raises(StorageError, match="written by a newer Workbench") as caught:
        other.desire("stream/a", "stopped")
    assert "--upgrade" in str(caught.value.fix)


def test_a_damaged_store_says_how_to_begin_a_new_one(tmp_path: Path) -> None:
    """The advice as it stands: what SQLite keeps beside the file must not get into its successor."""
    store = Store(tmp_path / "state")
    store.put("stream/a", {}, environment())
    store.database.close()
    store.database.file.write_bytes(b"SQLite format 3\0" + b"\xff" * 8000)
    with pytest.raises(StorageError, match="is damaged") as caught:
        Store(store.folder).jobs()
    advice = str(caught.value.fix).partition(": ")[2]
    subprocess.run(["sh", "-c", advice], check=True)
    assert Store(store.folder).jobs() == []
    assert (store.folder / "damaged" / "state.db").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MB."""
    with disk_of("1m", tmp_path / "disk") as folder:
        yield folder


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    store = Store(small_disk / "state")
    kept: list[str] = []

    def fill() -> None:
        while True:
            kept.append(store.put(f"stream/{len(kept)}", {"ballast": "x" * 10_000}, environment())[0].name)

    with pytest.raises(StorageError, match=r"the disk of .* is full"):
        fill()
    assert [job.name for job in store.jobs()] == kept
    store.database.close()
    assert [job.name for job in Store(small_disk / "state").jobs()] == kept
