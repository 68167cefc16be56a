"""The live value of a name -> a file by the format of its kind, bound to the captured module.

Arrays are written as `.npy`, frames as Parquet where that gives them back exactly, all else as a pickle
in which classes and functions of the notebook, and of local modules, refer to the captured module instead
of `__main__` (as cloudpickle they cannot be read after the notebook; see its README). What is large in it, or has a
format of its own, lies in files beside it. Placeholders stand for what the bundle resolves when it loads:
`captured_module(path)`, `captured_state(file)`, and those of `inner` for functions that a module made.
"""

from __future__ import annotations

import json
import mmap
import operator
import pickle
import pickletools
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from types import CellType, FunctionType, MethodType, ModuleType
from typing import IO, TYPE_CHECKING, Any, cast

from ..errors import CaptureRefused
from .arrays import loses_attributes, with_attributes
from .frames import is_frame, write_frame
from .hashed import hashed
from .inner import PLACEHOLDERS, reduced, reduced_cell
from .refusals import pickled_here
from .savers import mentioned
from .sharing import Sharing
from .sides import Call, Sides
from .texts import attribute

if TYPE_CHECKING:
    pass


def captured_module(path: str = "") -> ModuleType:
    """In a pickle: the captured module, or the local module `path` that came along. Resolved by the bundle."""
    raise CaptureRefused(
        f"the captured module {path!r} exists only inside its bundle", fix="load the bundle, not its files"
    )


def captured_state(file: str, *extra: object) -> object:
    """In a pickle: the object of another state file, read with what its saver gave. Resolved by the bundle."""
    raise CaptureRefused(
        f"the captured state {file!r} exists only inside its bundle", fix="load the bundle, not its files"
    )


TOGETHER = ".together"
"""Ends the name of a file for several names of which this is one."""


@dataclass
class Found:
    """What one state file refers to: globals of the captured module, modules by their path, other state by its
    name, names that it looks up where it is read with what they were bound to, and the files that lie beside it."""

    globals: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    mentioned: dict[str, list[Any]] = field(default_factory=dict)
    beside: list[Path] = field(default_factory=list)


Home = Callable[[Any], "tuple[str, str] | None"]
"""Where an object of the notebook or of a local module lives in the bundle: (module path or "", qualified name)."""


class StateWriter:
    """Writes the values of names into `folder`. `home` re-homes classes and functions; `names` are the
    objects that have a state file of their own, by identity, so that two names of one object stay one; `hashes`
    the SHA-256 of files that are known already."""

    def __init__(self, folder: Path, home: Home) -> None:
        self._folder, self.home = folder, home
        self.names: dict[int, str] = {}
        self.elsewhere: dict[int, str | tuple[str, str]] = {}
        """What others hold too, by identity: the lists, dicts and sets that are globals, the objects of local modules.
        Pickles say their names instead of a copy."""
        self.sharing = Sharing()
        self.hashes: dict[str, str] = {}
        self.numbers: set[str] = set()
        """The files that can hold no text."""
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, value: object) -> tuple[Path, Found]:
        """The file that now holds `value`, and what it refers to. Raises what pickle raises."""
        self.names[id(value)] = f"{name}.pkl"
        if self.sharing.holds(value):
            return self._write_pickle(name, value)
        if is_plain_array(value):
            return self._named(value, self._write_array(name, value)), Found(modules={"numpy"})
        if is_frame(value) and (file := write_frame(self._folder / f"{name}.parquet", value)):
            return self._named(value, file), Found(modules={"pandas", "pyarrow"})
        return self._write_pickle(name, value)

    def write_together(self, values: Mapping[str, object]) -> tuple[Path, Found]:
        """One file for objects that hold each other, as a dict by their names, in the place of their own."""
        for name in values:
            for file in self._folder.glob(f"{name}.*"):
                file.unlink() if file.is_file() else shutil.rmtree(file)
        return self._write_pickle(f"{next(iter(values))}{TOGETHER}", values, list(values.values()))

    def write_part(self, name: str, value: object, together: Path) -> Path:
        """The file of one of them, which refers to the file of all."""
        file = self._folder / f"{name}.pkl"
        with hashed(file, self.hashes) as stream:
            pickle.dump(Call(operator.getitem, Call(captured_state, together.name), name), stream)
        self.names[id(value)] = file.name
        return file

    def parts(self) -> list[Path]:
        """The files that say, beside a pickle, which of its parts others name."""
        found = []
        for name, numbers in self.sharing.wanted.items():
            found.append(self._folder / f"{name}.parts")
            with hashed(found[-1], self.hashes) as stream:
                stream.write(json.dumps(sorted(numbers)).encode())
        return found

    def _named(self, value: object, file: Path) -> Path:
        self.names[id(value)] = file.name
        return file

    def _write_array(self, name: str, value: Any) -> Path:
        import numpy as np

        file = self._folder / f"{name}.npy"
        with hashed(file, self.hashes) as stream:
            np.save(stream, value, allow_pickle=False)
        return file

    def _write_pickle(self, name: str, value: object, members: Iterable[object] = ()) -> tuple[Path, Found]:
        file = self._folder / f"{name}.pkl"
        sides = Sides(self._folder, name, value)
        with hashed(file, self.hashes) as stream, closing(sides):
            pickler = _Rehoming(stream, name, value, {id(each) for each in members}, self, sides)
            self.sharing.begun(name, pickler, pickler.found.states, pickler.referred)
            pickler.dump(value)
        _refuse_main(file, name)
        pickler.found.beside = sides.files
        if sides.only_numbers:
            self.numbers |= {each.name for each in sides.files if each.suffix == ".buffers"}
        self.hashes |= sides.hashes
        self.sharing.ended(name)
        return file, pickler.found


class _Rehoming(pickle.Pickler):
    def __init__(
        self, stream: Any, name: str, root: object, members: set[int], writer: StateWriter, sides: Sides
    ) -> None:
        super().__init__(stream, protocol=5, buffer_callback=sides.stays)
        self.found = Found()
        self._name, self._sides = name, sides
        self._own, self._members = {id(root), *members}, members
        self.referred: set[int] = set()
        """What it holds no more of than the name of its file."""
        self._home, self._names, self._elsewhere = writer.home, writer.names, writer.elsewhere
        self._sharing = writer.sharing
        self._nans = {id(attribute(sys.modules.get(home), "nan")): ("", f"{home}.nan") for home in ("numpy", "math")}

    def persistent_id(self, obj: Any) -> str | tuple[str, str | int] | None:
        """The global of the captured module that is this container, the place of this object in a local module, or the
        part of another pickle that it is; the bundle looks it up as it loads. NaN equals nothing, so that a dict or a
        list finds the one of numpy or Python only if it is that very object."""
        if type(obj) is float:
            return self._nans.get(id(obj))
        elsewhere = self._elsewhere.get(id(obj))
        if elsewhere and id(obj) not in self._own:
            if isinstance(elsewhere, tuple):
                self.found.modules.add(elsewhere[0])
            else:
                self.found.globals.add(elsewhere)
            return elsewhere
        if id(obj) in self._members or (id(obj) in self._names and id(obj) not in self._own):
            return None
        if part := self._sharing.wanted_by(self._name, obj):
            self.found.states.add(part[0])
            return f"{part[0]}.pkl", part[1]
        return None

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) or (
            id(obj) not in self._own and attribute(obj, "__wrapped__") is not None
        ):
            return self._reference(obj)
        if isinstance(obj, CellType):
            return reduced_cell(obj)
        if isinstance(obj, MethodType) and not _is_found_by_name(obj):
            return obj.__func__.__get__, (obj.__self__,)
        if id(obj) not in self._own and (file := self._names.get(id(obj))):
            self.found.states.add(file.rpartition(".")[0])
            self.referred.add(id(obj))
            return captured_state, (file,)
        if reduced := self._sides.reduced(obj, captured_state):
            self.found.modules.add(type(obj).__module__.split(".")[0])
            return reduced
        self.found.mentioned |= mentioned(obj)
        return with_attributes(obj) if loses_attributes(obj) else NotImplemented

    def _reference(self, obj: Any) -> Any:
        if any(obj is each for each in (captured_module, captured_state, *PLACEHOLDERS)):
            return NotImplemented
        if isinstance(obj, FunctionType) and (inner := reduced(obj)):
            self.found.modules.add(inner[0])
            return inner[1]
        home = self._home(obj)
        if home is None:
            self.found.modules.add(str(getattr(obj, "__module__", "") or "").split(".")[0])
            return NotImplemented
        module, qualname = home
        owner, _, last = qualname.rpartition(".")
        (self.found.modules if module else self.found.globals).add(module or qualname.split(".")[0])
        if owner:
            return getattr, (_Owner(module, owner), last)
        return getattr, (_Owner(module, ""), last)


def _is_found_by_name(method: MethodType) -> bool:
    """Whether the class gives this method under its name, as a pickle says it; one set on an instance is another."""
    holder = method.__self__ if isinstance(method.__self__, type) else type(method.__self__)
    found = getattr(holder, method.__func__.__name__, None)
    return getattr(found, "__func__", found) is method.__func__


class _Owner:
    """Pickles as the captured module, or as a class inside it."""

    def __init__(self, module: str, qualname: str) -> None:
        self._module, self._qualname = module, qualname

    def __reduce__(self) -> tuple[object, ...]:
        if not self._qualname:
            return captured_module, (self._module,)
        owner, _, last = self._qualname.rpartition(".")
        return getattr, (_Owner(self._module, owner), last)


def is_plain_array(value: object) -> bool:
    """Whether a value is an array of numpy's own class, of numbers, dates or text."""
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray" and not value.dtype.hasobject  # type: ignore[attr-defined]


def _refuse_main(file: Path, name: str) -> None:
    """A pickle that still names `__main__`, in nested bytes too, would load nowhere else."""
    if file.stat().st_size == 0:
        return
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(b"__main__") < 0 or not _names_main(data):
            return
    raise pickled_here(name)


def _names_main(data: mmap.mmap) -> bool:
    """Whether a global of `__main__` is looked up; as plain text the word does no harm."""
    data.seek(0)
    pushed: list[str | None] = [None, None]
    memo: list[str | None] = []
    for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", data)):
        if isinstance(argument, bytes | bytearray) and b"__main__" in argument:
            return True
        if opcode.name == "MEMOIZE":
            memo.append(pushed[-1])
        if opcode.name in ("MEMOIZE", "FRAME"):
            continue
        if opcode.name in ("BINGET", "LONG_BINGET") and isinstance(argument, int):
            argument = memo[argument] if argument < len(memo) else None
        if (opcode.name == "STACK_GLOBAL" and pushed[-2] == "__main__") or (
            opcode.name in ("GLOBAL", "INST") and str(argument).split(" ")[0] == "__main__"
        ):
            return True
        pushed = [pushed[-1], argument if isinstance(argument, str) else None]
    return False
