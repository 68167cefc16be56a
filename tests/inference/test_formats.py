"""Large arrays and buffers are mapped into memory, copy on write; each ending has its reader."""

from __future__ import annotations

import io
import mmap
import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from test_package import load as load_bundle

from workbench.capture.savers import SAVERS
from workbench.capture.sides import Sides
from workbench.capture.state import captured_state
from workbench.errors import BundleRefused
from workbench.inference.formats import READERS, buffers, read

load = load_bundle


def is_mapped(array: Any) -> bool:
    while array is not None:
        array = array.obj if isinstance(array, memoryview) else array
        if isinstance(array, mmap.mmap):
            return True
        array = getattr(array, "base", None)
    return False


def npy(array: np.ndarray[Any, Any]) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def test_each_format_that_capture_writes_has_its_reader() -> None:
    assert {saver.ending for saver in SAVERS.values()} | {".npy", ".parquet", ".pt", ".disk"} == set(READERS)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_large_array_is_mapped_and_writing_to_it_does_not_reach_the_file(tmp_path: Path, order: Any) -> None:
    file = tmp_path / "big.npy"
    file.write_bytes(npy(np.asarray(np.arange(200_000.0).reshape(400, 500), order=order)))
    before = file.read_bytes()
    array = read(file)
    assert type(array) is np.ndarray
    assert is_mapped(array)
    assert array.flags.f_contiguous == (order == "F")
    array += 1
    array[0, 0] = 7
    assert array.sum() == np.arange(200_000.0).sum() + 200_000 + 6
    assert file.read_bytes() == before


def test_a_small_array_is_not(tmp_path: Path) -> None:
    (tmp_path / "small.npy").write_bytes(npy(np.arange(3)))
    assert not is_mapped(read(tmp_path / "small.npy"))


def test_buffers_come_back_in_their_order_aligned_and_writable(tmp_path: Path) -> None:
    arrays = [np.arange(20_001.0), np.zeros((300, 400), order="F"), np.arange(9.0), np.full(70_001, 3, dtype=np.int8)]
    sides = Sides(tmp_path, "it", None)
    written = pickle.dumps(arrays, protocol=5, buffer_callback=sides.stays)
    sides.close()
    assert len(written) < 1_000
    back = pickle.loads(written, buffers=buffers(tmp_path / "it.buffers"))
    for there, here in zip(arrays, back, strict=True):
        np.testing.assert_array_equal(there, here)
        assert here.dtype == there.dtype
        assert here.flags.f_contiguous == there.flags.f_contiguous
        assert here.flags.writeable
        assert is_mapped(here) == (there.nbytes >= 65_536)
        assert not is_mapped(here) or here.ctypes.data % 64 == 0
    back[0][:] = 0
    assert pickle.loads(written, buffers=buffers(tmp_path / "it.buffers"))[0][5] == 5


def test_a_damaged_file_of_buffers_is_refused(load: Callable[..., ModuleType], tmp_path: Path) -> None:
    sides = Sides(tmp_path, "it", None)
    written = pickle.dumps(np.arange(20_000.0), protocol=5, buffer_callback=sides.stays)
    sides.close()
    large = (tmp_path / "it.buffers").read_bytes()
    module = load("it = __state__('it.pkl')\n", state={"it.pkl": written, "it.buffers": large})
    assert module.it[9] == 9
    damaged = large[:-8] + b"\1" * 8
    folder = Path(load("", state={"it.pkl": written, "it.buffers": large}).__file__ or "").parents[2]
    (folder / "state" / "it.buffers").write_bytes(damaged)
    with pytest.raises(Exception, match=r"it\.buffers was changed after it was captured") as caught:
        vars(__import__(next(p.name for p in (folder / "code").iterdir())))["__state__"]("it.pkl")
    assert type(caught.value).__name__ == BundleRefused.__name__


class Vocabulary:
    """An object with a disk format of its own, a folder."""

    def __init__(self, words: Any = ()) -> None:
        self.words = list(words)

    def to_disk(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "words.txt").write_text("\n".join(self.words))

    def from_disk(self, folder: Path) -> Vocabulary:
        self.words = (folder / "words.txt").read_text().split()
        return self


def test_an_object_with_a_disk_format_is_saved_by_it(tmp_path: Path) -> None:
    sides = Sides(tmp_path, "it", None)
    found = sides.reduced(Vocabulary(["a", "b"]), captured_state)
    assert found == (captured_state, ("it.disk", Vocabulary))
    assert [file.name for file in sides.files] == ["it.disk"]
    assert read(tmp_path / "it.disk", Vocabulary).words == ["a", "b"]
