"""What a pickle would hold by value -> files beside it: large buffers, tensors, objects with a format of their own."""

from __future__ import annotations

import operator
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from pickle import PickleBuffer
from typing import IO, Any

from .hashed import hashed
from .refusals import pickled_here
from .savers import Saver, saver_of

LARGE = 1 << 16
"""Bytes from which a buffer is no part of its pickle. It is mapped into memory when the bundle loads."""
ALIGNED = 64
_TEXT = re.compile(r"(^|[{:<>=@!])\d*[swc]($|:)")
"""The formats of text, alone or as a field of a record: `3w`, `T{<l:a:5s:b:}`."""


class Sides:
    """The files beside one pickle: NAME.buffers, NAME.pt, NAME.onnx; `close` once the pickle is written."""

    def __init__(self, folder: Path, name: str, root: object) -> None:
        self._folder, self._name = folder, name
        self._open = ExitStack()
        self._buffers: IO[bytes] | None = None
        self._savers: dict[Any, Saver | None] = {}
        self._tensors = _state_dict(root)
        self._keys = {id(tensor): key for key, tensor in self._tensors.items()}
        self.files: list[Path] = []
        self.hashes: dict[str, str] = {}
        self.only_numbers = True
        """Whether no buffer can hold text."""

    def stays(self, buffer: PickleBuffer) -> bool:
        """Whether a buffer is part of the pickle; else it is in the file of buffers now, after its length."""
        with buffer.raw() as content:
            if content.nbytes < LARGE:
                return True
            view = memoryview(buffer)
            if view.itemsize == 1 and re.search(b"__main__", content):
                raise pickled_here(self._name)
            self.only_numbers &= view.itemsize > 1 and not _TEXT.search(view.format)
            if self._buffers is None:
                self._buffers = self._open.enter_context(hashed(self._new(".buffers"), self.hashes))
            self._buffers.write(content.nbytes.to_bytes(ALIGNED, "little"))
            self._buffers.write(content)
            self._buffers.write(bytes(-content.nbytes % ALIGNED))
        return False

    def reduced(self, value: Any, state: Callable[..., object]) -> tuple[Any, ...] | None:
        """How the pickle refers to a value that is beside it, by a call of `state(file, …)`; None for other values."""
        if (torch := sys.modules.get("torch")) and type(value) in (torch.Tensor, torch.nn.Parameter):
            return operator.getitem, (Call(state, f"{self._name}.pt"), self._key(value))
        kind: Any = type(value)
        if kind not in self._savers:
            self._savers[kind] = saver_of(kind)
        if (saver := self._savers[kind]) is None:
            return None
        place = self._new(saver.ending)
        extra = saver.save(value, place)
        if extra is None:
            self.files.remove(place)
            return None
        return state, (place.name, *extra)

    def close(self) -> None:
        self._open.close()
        if self._tensors:
            sys.modules["torch"].save(self._tensors, self._new(".pt"))

    def _new(self, ending: str) -> Path:
        again = sum(file.suffix == ending for file in self.files)
        self.files.append(self._folder / f"{self._name}{f'.{again}' if again else ''}{ending}")
        return self.files[-1]

    def _key(self, tensor: Any) -> str:
        key = self._keys.setdefault(id(tensor), str(len(self._keys)))
        self._tensors[key] = tensor
        return key


class Call:
    """Pickles as the call of a function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self._reduced = function, arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self._reduced


def _state_dict(root: Any) -> dict[str, Any]:
    """The tensors of a torch module under the names that torch has for them, so that its file is a state dict."""
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(root, torch.nn.Module) or saver_of(type(root)):
        return {}
    named = root.state_dict(keep_vars=True)
    return {key: held for key, held in named.items() if type(held) in (torch.Tensor, torch.nn.Parameter)}
