"""State files -> the objects that they hold: one reader per ending, each by the library whose format it is.

Large arrays are mapped into memory, copy on write: processes share what none of them writes, and who writes has
a page of its own, which never reaches the file.
"""

from __future__ import annotations

import inspect
import mmap
import os
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

_MAPPED = 1 << 20
_ALIGNED = 64


def read(file: Path, *extra: Any) -> Any:
    """The object in a state file that is no pickle; `extra` is what its saver gave beside it."""
    return READERS[file.suffix](file, *extra)


def buffers(file: Path) -> Iterator[memoryview]:
    """The large buffers of a pickle in their order: each after its length, and filled up to a multiple of 64 bytes."""
    with file.open("rb") as stream:
        mapped = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY))
    start = 0
    while start < len(mapped):
        begin = start + _ALIGNED
        size = int.from_bytes(mapped[start:begin], "little")
        yield mapped[begin : begin + size]
        start = begin + size + -size % _ALIGNED


def _array(file: Path) -> Any:
    import numpy as np

    mapped = "c" if file.stat().st_size >= _MAPPED else None
    return np.load(file, mmap_mode=mapped, allow_pickle=False).view(np.ndarray)  # type: ignore[arg-type]


def _frame(file: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(file)


def _xgboost(file: Path, kind: Any, rest: dict[str, Any]) -> Any:
    booster = kind()
    booster.load_model(file)
    vars(booster).update(rest)
    return booster


def _lightgbm(file: Path, kind: Any, state: dict[str, Any]) -> Any:
    booster = kind.__new__(kind)
    booster.__setstate__({**state, "_handle": file.read_bytes().decode()})
    return booster


def _catboost(file: Path, kind: Any, rest: dict[str, Any]) -> Any:
    model = kind()
    model.load_model(str(file))
    vars(model).update(rest)
    return model


def _onnx(file: Path, providers: list[str], settings: dict[str, Any]) -> Any:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    for name, value in settings.items():
        enumeration = type(getattr(options, name))
        setattr(options, name, getattr(enumeration, value) if isinstance(value, str) else value)
    network = file / "model.onnx" if file.is_dir() else file  # a folder where its weights lie in files beside it
    return onnxruntime.InferenceSession(str(network), options, providers=providers)


def _tensors(file: Path) -> Any:
    torch = import_module("torch")
    place = None if torch.cuda.is_available() else "cpu"
    return torch.load(file, map_location=place, weights_only=True, mmap=True)


def _torchscript(file: Path) -> Any:
    return import_module("torch").jit.load(str(file))


def _keras(file: Path, backend: str, own: dict[str, Any], _: Any) -> Any:
    os.environ.setdefault("KERAS_BACKEND", backend)
    return import_module("keras").saving.load_model(file, custom_objects=own)


def _spacy(folder: Path) -> Any:
    return import_module("spacy").load(folder)


def _from_disk(file: Path, kind: Any) -> Any:
    if inspect.ismethod(kind.from_disk):
        return kind.from_disk(file)
    value = kind()
    return value.from_disk(file) or value


READERS: dict[str, Callable[..., Any]] = {
    ".npy": _array,
    ".parquet": _frame,
    ".ubj": _xgboost,
    ".lightgbm": _lightgbm,
    ".cbm": _catboost,
    ".onnx": _onnx,
    ".pt": _tensors,
    ".torchscript": _torchscript,
    ".keras": _keras,
    ".spacy": _spacy,
    ".disk": _from_disk,
}
