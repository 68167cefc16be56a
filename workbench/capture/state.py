"""The live value of a name -> a file by the format of its kind, bound to the captured module.

Arrays are written as `.npy`, frames as Parquet where that gives them back exactly, all else as a pickle
in which classes and functions of the notebook, and of local modules, refer to the captured module instead
of `__main__` (as cloudpickle they cannot be read after the notebook; see its README). What is large in it, or has a
format of its own, lies in files beside it. Two placeholders stand for what the bundle resolves when it loads:
`captured_module(path)` and `captured_state(file)`.
"""

from __future__ import annotations

import mmap
import operator
import pickle
import pickletools
import shutil
import sys
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import IO, TYPE_CHECKING, Any, cast

from ..errors import CaptureRefused
from .hashed import hashed
from .refusals import pickled_here
from .savers import mentioned
from .sides import Call, Sides
from .texts import attribute

if TYPE_CHECKING:
    import pandas as pd


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


@dataclass
class Found:
    """What one state file refers to: globals of the captured module, modules by their path, other state by its
    name, names that it looks up where it is read, and the files that lie beside it."""

    globals: set[str] = field(default_factory=set)
    modules: set[str] = field(default_factory=set)
    states: set[str] = field(default_factory=set)
    mentioned: set[str] = field(default_factory=set)
    beside: list[Path] = field(default_factory=list)


Home = Callable[[Any], "tuple[str, str] | None"]
"""Where an object of the notebook or of a local module lives in the bundle: (module path or "", qualified name)."""


class StateWriter:
    """Writes the values of names into `folder`. `home` re-homes classes and functions; `names` are the
    objects that have a state file of their own, by identity, so that two names of one object stay one; `hashes`
    the SHA-256 of files that are known already."""

    def __init__(self, folder: Path, home: Home) -> None:
        self._folder, self._home = folder, home
        self.names: dict[int, str] = {}
        self.containers: dict[int, str] = {}
        """The lists, dicts and sets that others hold too, by identity: pickles name the global instead of a copy."""
        self.hashes: dict[str, str] = {}
        self.numbers: set[str] = set()
        """The files that can hold no text."""
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, name: str, value: object) -> tuple[Path, Found]:
        """The file that now holds `value`, and what it refers to. Raises what pickle raises."""
        self.names[id(value)] = f"{name}.pkl"
        if _is_plain_array(value):
            return self._named(value, self._write_array(name, value)), Found(modules={"numpy"})
        if _is_frame(value) and (file := _write_frame(self._folder / f"{name}.parquet", value)):
            return self._named(value, file), Found(modules={"pandas", "pyarrow"})
        return self._write_pickle(name, value)

    def write_together(self, values: Mapping[str, object]) -> tuple[Path, Found]:
        """One file for objects that hold each other, as a dict by their names, in the place of their own."""
        for name, value in values.items():
            self.names.pop(id(value), None)
            self.containers.pop(id(value), None)
            for file in self._folder.glob(f"{name}.*"):
                file.unlink() if file.is_file() else shutil.rmtree(file)
        return self._write_pickle(f"{next(iter(values))}.together", values)

    def write_part(self, name: str, together: Path) -> Path:
        """The file of one of them, which refers to the file of all."""
        file = self._folder / f"{name}.pkl"
        with hashed(file, self.hashes) as stream:
            pickle.dump(Call(operator.getitem, Call(captured_state, together.name), name), stream)
        return file

    def _named(self, value: object, file: Path) -> Path:
        self.names[id(value)] = file.name
        return file

    def _write_array(self, name: str, value: Any) -> Path:
        import numpy as np

        file = self._folder / f"{name}.npy"
        with hashed(file, self.hashes) as stream:
            np.save(stream, value, allow_pickle=False)
        return file

    def _write_pickle(self, name: str, value: object) -> tuple[Path, Found]:
        file = self._folder / f"{name}.pkl"
        sides = Sides(self._folder, name, value)
        with hashed(file, self.hashes) as stream, closing(sides):
            pickler = _Rehoming(stream, value, self._home, self.names, self.containers, sides)
            pickler.dump(value)
        _refuse_main(file, name)
        pickler.found.beside = sides.files
        if sides.only_numbers:
            self.numbers |= {each.name for each in sides.files if each.suffix == ".buffers"}
        self.hashes |= sides.hashes
        return file, pickler.found


class _Rehoming(pickle.Pickler):
    def __init__(
        self,
        stream: Any,
        root: object,
        home: Home,
        names: Mapping[int, str],
        containers: Mapping[int, str],
        sides: Sides,
    ) -> None:
        super().__init__(stream, protocol=5, buffer_callback=sides.stays)
        self.found = Found()
        self._root, self._home, self._names, self._containers, self._sides = root, home, names, containers, sides

    def persistent_id(self, obj: Any) -> str | None:
        """The global of the captured module that is this container; the bundle looks it up as it loads."""
        if type(obj) not in (list, dict, set) or obj is self._root:
            return None
        name = self._containers.get(id(obj))
        if name:
            self.found.globals.add(name)
        return name

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, type | FunctionType) or (
            obj is not self._root and attribute(obj, "__wrapped__") is not None
        ):
            return self._reference(obj)
        if isinstance(obj, MethodType) and not _is_found_by_name(obj):
            return obj.__func__.__get__, (obj.__self__,)
        if obj is not self._root and (file := self._names.get(id(obj))):
            self.found.states.add(file.rpartition(".")[0])
            return captured_state, (file,)
        if reduced := self._sides.reduced(obj, captured_state):
            self.found.modules.add(type(obj).__module__.split(".")[0])
            return reduced
        self.found.mentioned |= mentioned(obj)
        return _with_attributes(obj) if _loses_attributes(obj) else NotImplemented

    def _reference(self, obj: Any) -> Any:
        if obj is captured_module or obj is captured_state:
            return NotImplemented
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


def _loses_attributes(value: Any) -> bool:
    """Whether it is an array of somebody's own class, with attributes that the pickle of an array leaves out."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, numpy.ndarray) or type(value).__module__.startswith("numpy"):
        return False
    own = any(getattr(type(value), name) is not getattr(numpy.ndarray, name) for name in _PICKLED_BY)
    return not own and bool(getattr(value, "__dict__", None))


_PICKLED_BY = ("__reduce__", "__reduce_ex__", "__setstate__")


def _with_attributes(value: Any) -> tuple[Any, ...]:
    """The array, once its attributes are set again: the first of a pair of which the second does so."""
    array = _Array(value)
    update = Call(getattr, Call(getattr, array, "__dict__"), "update")
    return operator.getitem, ((array, Call(operator.call, update, vars(value))), 0)


class _Array:
    """Pickles as an array pickles by itself."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __reduce__(self) -> Any:
        return self._value.__reduce__()


def _is_plain_array(value: object) -> bool:
    kind = type(value)
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray" and not value.dtype.hasobject  # type: ignore[attr-defined]


def _is_frame(value: object) -> bool:
    kind = type(value)
    return kind.__name__ == "DataFrame" and kind.__module__.startswith("pandas.")


def _write_frame(file: Path, frame: pd.DataFrame) -> Path | None:
    """Parquet where it gives the very same frame back; else nothing, and a pickle holds it."""
    import pandas as pd

    try:
        frame.to_parquet(file)
        with warnings.catch_warnings(action="ignore"), _as_elsewhere():
            back = pd.read_parquet(file)
        pd.testing.assert_frame_equal(frame, back, check_exact=True, check_column_type=True)
        if frame.attrs == back.attrs and frame.columns.dtype == back.columns.dtype:
            return file
    except Exception:  # noqa: BLE001 (whatever Parquet cannot hold, a pickle can, or says why not)
        file.unlink(missing_ok=True)
        return None
    file.unlink(missing_ok=True)
    return None


def _as_elsewhere() -> AbstractContextManager[Any]:
    """Text as pandas reads it where nobody set it otherwise: bundles load their state before their settings count."""
    import pandas as pd

    usual = sys.modules["pandas._config.config"]._registered_options.get("future.infer_string")
    return pd.option_context("future.infer_string", usual.defval) if usual else nullcontext()


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
