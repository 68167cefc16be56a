"""What is written is hashed beside the writing."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import numpy as np
import pytest

from workbench.capture.hashed import hashed
from workbench.capture.state import StateWriter


def test_the_hash_is_that_of_the_file(tmp_path: Path) -> None:
    hashes: dict[str, str] = {}
    with hashed(tmp_path / "it", hashes) as stream:
        for part in (b"a", b"", b"b" * 9_000_000, memoryview(b"c" * 100), np.arange(1_000_000.0).data):
            stream.write(part)
    content = (tmp_path / "it").read_bytes()
    assert len(content) == 1 + 9_000_000 + 100 + 8_000_000
    assert hashes == {"it": hashlib.sha256(content).hexdigest()}


def test_a_failure_leaves_no_thread_and_no_hash(tmp_path: Path) -> None:
    hashes: dict[str, str] = {}
    with pytest.raises(ValueError, match="stop"), hashed(tmp_path / "it", hashes) as stream:  # noqa: PT012
        stream.write(b"x")
        raise ValueError("stop")
    assert not hashes
    assert not [t for t in threading.enumerate() if t.name.startswith("hash of")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "it").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"), hashed(tmp_path / "it", {}) as stream:
        stream.write(b"x" * 9_000_000)
    assert not [t for t in threading.enumerate() if t.name.startswith("hash of")]


def test_each_state_file_that_is_written_here_has_its_hash(tmp_path: Path) -> None:
    writer = StateWriter(tmp_path, lambda _: None)
    array, deep = np.arange(9.0), {"a": np.arange(100_000.0)}  # held: values are known by their identity
    writer.write("array", array)
    writer.write("deep", deep)
    assert sorted(writer.hashes) == ["array.npy", "deep.buffers", "deep.pkl"]
    for name, found in writer.hashes.items():
        assert found == hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
