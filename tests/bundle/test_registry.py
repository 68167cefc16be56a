"""Versions, aliases and names on a real folder, from several processes at once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from workbench.bundle.layout import Manifest, write_manifest
from workbench.bundle.registry import Registry
from workbench.bundle.version import ModelVersion
from workbench.errors import NotFound, StorageError, UsageError


def staged(place: Path, fingerprint: str = "f") -> Path:
    folder = place / "bundle"
    folder.mkdir()
    schema = {"kind": "frame", "fields": []}
    manifest = Manifest("1f", "churn", "predict", "function", schema, schema, "3.11.7", {}, fingerprint=fingerprint)
    write_manifest(folder, manifest)
    return folder


def published(registry: Registry, name: str = "churn", fingerprint: str = "f") -> ModelVersion:
    with registry.stage() as place:
        return registry.publish(staged(place, fingerprint), name)


@contextmanager
def as_another_user() -> Iterator[None]:
    """Root may write everywhere; anybody else is held back by the modes of the folders."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def test_versions_count_up_and_nothing_is_left_of_the_staging(registry: Registry) -> None:
    assert [published(registry).ref for _ in range(3)] == ["churn@1", "churn@2", "churn@3"]
    assert [v.version for v in registry.versions("churn")] == [1, 2, 3]
    assert sorted(os.listdir(registry.folder)) == ["churn"]
    assert registry.names() == ["churn"]


def test_a_name_means_its_newest_version_a_number_or_an_alias_one(registry: Registry) -> None:
    first, _ = published(registry), published(registry)
    assert registry.set_alias(first, "live").aliases == ("live",)
    assert [registry.resolve(r).version for r in ("churn", "churn@1", "churn@live")] == [2, 1, 1]


def test_what_is_not_there_is_answered_with_what_is(registry: Registry) -> None:
    with pytest.raises(NotFound, match="capture a first one"):
        registry.resolve("churn")
    registry.set_alias(published(registry), "live")
    with pytest.raises(NotFound, match=r"no model 'chrun'; did you mean 'churn'\?"):
        registry.resolve("chrun")
    with pytest.raises(NotFound, match=r"(?s)churn has no version '7'.*@1, @live \(now 1\)"):
        registry.resolve("churn@7")
    with pytest.raises(NotFound, match=r"churn has no alias 'liv'; did you mean 'live'\?"):
        registry.resolve("churn@liv")
    shutil.rmtree(published(registry, fingerprint="b").folder.with_name("1"))
    with pytest.raises(NotFound, match=r"(?s)churn@live is churn@1, whose folder is gone.*promote churn@2"):
        registry.resolve("churn@live")


def test_the_newest_version_with_a_fingerprint_is_found(registry: Registry) -> None:
    for fingerprint in ("a", "b", "a"):
        published(registry, fingerprint=fingerprint)
    found = registry.find("churn", "a")
    assert found is not None
    assert found.version == 3
    assert registry.find("churn", "c") is None
    assert registry.find("other", "a") is None


def test_a_removed_number_is_never_used_again(registry: Registry) -> None:
    versions = [published(registry) for _ in range(3)]
    registry.remove(versions[2])
    assert not versions[2].folder.exists()
    assert published(registry).ref == "churn@4"
    with pytest.raises(NotFound):
        registry.resolve("churn@3")


def test_a_version_is_not_removed_while_an_alias_points_to_it(registry: Registry) -> None:
    version = published(registry)
    registry.set_alias(version, "live")
    with pytest.raises(UsageError, match="churn@1 is churn@live"):
        registry.remove(version)
    registry.remove_alias("churn", "live")
    registry.remove(version)
    assert registry.names() == []
    assert published(registry).ref == "churn@2"


def test_an_alias_moves(registry: Registry) -> None:
    first, second = published(registry), published(registry)
    registry.set_alias(first, "live")
    registry.set_alias(second, "live")
    assert registry.aliases("churn") == {"live": 2}
    with pytest.raises(NotFound, match="no alias 'champion'"):
        registry.remove_alias("churn", "champion")


def test_an_alias_stays_where_it_was_when_its_new_version_is_gone(registry: Registry) -> None:
    first, second = published(registry), published(registry)
    registry.set_alias(first, "live")
    registry.remove(second)
    for alias in ("live", "next"):
        with pytest.raises(NotFound, match="churn@2 was removed just now"):
            registry.set_alias(second, alias)
    assert registry.aliases("churn") == {"live": 1}


def test_a_version_that_cannot_be_removed_is_still_there(registry: Registry) -> None:
    version = published(registry)
    for folder in (*registry.folder.parents[:3], registry.folder):
        folder.chmod(folder.stat().st_mode | 0o055)
    version.folder.parent.chmod(0o777)
    registry.folder.chmod(0o555)
    with as_another_user(), pytest.raises(StorageError) as told:
        registry.remove(version)
    registry.folder.chmod(0o755)
    assert str(version.folder) in told.value.what
    assert registry.resolve("churn").ref == "churn@1"


def test_what_two_remove_at_once_is_gone(registry: Registry) -> None:
    version = published(registry)
    registry.remove(version)
    with pytest.raises(NotFound, match="churn@1 was removed just now"):
        registry.remove(version)
    assert published(registry).ref == "churn@2"


@pytest.mark.parametrize("name", ["", "3", "../x", "a/b", ".hidden", "a b", "churn@2", "é" * 3, "x" * 101])
def test_a_name_that_is_no_name_is_refused_with_one_that_would_do(registry: Registry, name: str) -> None:
    with registry.stage() as place, pytest.raises(UsageError, match="cannot name a model"):
        registry.publish(staged(place), name)


PUBLISH = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from test_registry import Registry, published
registry = Registry(Path(sys.argv[1]))
sys.stdin.readline()
print(*[published(registry).version for _ in range(20)])
"""


def test_processes_that_publish_at_once_get_different_numbers(registry: Registry) -> None:
    command = [sys.executable, "-c", PUBLISH, str(registry.folder), str(Path(__file__).parent)]
    running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    numbers = [int(n) for process in running for n in process.communicate()[0].split()]
    assert sorted(numbers) == list(range(1, 61))
    assert len(registry.versions("churn")) == 60


def test_what_a_killed_process_left_is_swept_a_day_later(registry: Registry) -> None:
    old, young = registry.folder / ".staging-old", registry.folder / ".staging-young"
    for folder in (old, young):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))
    published(registry)
    assert not old.exists()
    assert young.exists()


def test_a_damaged_version_does_not_hide_the_others(registry: Registry) -> None:
    published(registry, fingerprint="a")
    broken = published(registry, fingerprint="b")
    (broken.folder / "manifest.json").write_text("{")
    assert [v.readable for v in registry.versions("churn")] == [True, False]
    found = registry.find("churn", "a")
    assert found is not None
    assert found.version == 1


def test_a_registry_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="models"), Registry(tmp_path / "file" / "models").stage():
        pass


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root to become another user")
def test_a_folder_of_somebody_else_is_named_with_the_next_step(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o055)
    os.seteuid(65534)
    try:
        with pytest.raises(StorageError) as told, Registry(locked / "models").stage():
            pass
    finally:
        os.seteuid(0)
    assert "cannot be written by this user" in told.value.what
    assert told.value.fix
    assert "WORKBENCH_HOME" in told.value.fix
