"""Makes the package `wb_<id>` out of the bundle that holds it: runs model.py, with state and local modules of its own.

Absolute imports of the bundle's local modules (`import helper`) resolve to `wb_<id>.helper`, in model.py, among
the local modules and inside functions, so that two bundles with a same-named helper live side by side.
"""

from __future__ import annotations

import builtins
import hashlib
import importlib
import json
import os
import pickle
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CellType, CodeType, ModuleType
from typing import IO, Any

from ..errors import BundleRefused
from . import inner
from .formats import buffers, read
from .own_names import compiled, home, shown
from .surroundings import held, warned

LEARNED = "~learned.pkl"
"""The state file of what was learned after the capture: the `globals` that model.py bound before, and what the object
that answers holds, `entry`."""

_PLACEHOLDERS = ("workbench.capture.state", "workbench.capture.inner")
_BLOCK = 1 << 20
_ABSENT = object()


def run(namespace: dict[str, Any]) -> None:
    """Run the bundle's model.py in `namespace`, the globals of the `__init__.py` of `code/wb_<id>`.

    Raises BundleRefused for a file that is not as its hash in the manifest says, and whatever model.py raises.
    """
    folder = Path(namespace["__file__"]).parents[2]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    _check_environment(manifest)
    bundle = _Bundle(folder, namespace, manifest)
    own = {"__import__": bundle.imported, "__data__": bundle.data, "__local__": bundle.local}
    named = {"__home__": partial(home, bundle.package), "__shown__": partial(shown, bundle.package)}
    around = {"__held__": held, "__warned__": warned}
    namespace["__builtins__"] = {**vars(builtins), **own, **named, **around}
    namespace["__state__"] = bundle.state
    namespace["__original__"] = _original
    sys.meta_path = [_LocalModules(bundle), *sys.meta_path]  # the first list stays with the interpreter for good
    path = folder / "model.py"
    exec(compiled(bundle.checked("model.py"), str(path), "__main__"), namespace)  # noqa: S102 (this is what a model is)
    if f"state/{LEARNED}" in manifest["files"]:
        learned = bundle.state(LEARNED)
        namespace.update(learned["globals"])
        namespace["__learned__"] = learned["entry"]


def _original(owner: Any, name: str) -> Any:
    """What a module or class has under a name, if it is its own: BundleRefused where this process has patched it."""
    value = getattr(owner, name)
    if getattr(value, "__qualname__", "").rpartition(".")[2] != name or _home(value) != _home(owner):
        raise BundleRefused(
            f"{owner.__name__}.{name} was patched in this process, and the model needs what was there before",
            fix="restart the kernel and predict before the cell that patches it runs, or predict from a shell",
        )
    return value


def _home(thing: Any) -> str:
    home = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", "")
    return str(home).partition(".")[0]


def _check_environment(manifest: Mapping[str, Any]) -> None:
    missing = [name for name in manifest.get("environment", ()) if name not in os.environ]
    if missing:
        raise BundleRefused(
            f"{manifest['name']} reads the environment variable {missing[0]}, which is not set here",
            fix=f"set {' and '.join(missing)}: os.environ[{missing[0]!r}] = … in a notebook, export in a shell, "
            "--env-file FILE for what runs in the background",
        )


def forget(package: str) -> None:
    """Take a package that `run` made out of this process, so that its memory is free once nobody uses it."""
    if package not in sys.modules and all(getattr(one, "package", None) != package for one in sys.meta_path):
        return  # to look through all modules would write into each, and a fork would have them twice
    # another list: an import that goes through the old one now must not miss a finder
    sys.meta_path = [finder for finder in sys.meta_path if getattr(finder, "package", None) != package]
    for name in [n for n in list(sys.modules) if n == package or n.startswith(f"{package}.")]:
        sys.modules.pop(name, None)


class _Bundle:
    """One bundle in this process: its files, its package, its own imports and its state."""

    def __init__(self, folder: Path, namespace: dict[str, Any], manifest: Mapping[str, Any]) -> None:
        self.folder, self.namespace = folder, namespace
        self.package: str = namespace["__name__"]
        self.modules = frozenset(manifest["modules"])
        self._hashes: Mapping[str, str] = manifest["files"]
        self._loaded: dict[str, Any] = {}
        self._parts: dict[str, dict[int, Any]] = {}
        self._sound: set[str] = set()

    def imported(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] = (),
        level: int = 0,
    ) -> ModuleType:
        """`__import__` for the bundle's code."""
        root = name.partition(".")[0]
        if level or root not in self.modules:
            return builtins.__import__(name, globals, locals, fromlist, level)
        kept = self.namespace.get(root, _ABSENT)
        module = self.module(name)
        if fromlist:
            builtins.__import__(module.__name__, globals, locals, fromlist)
        if kept is not _ABSENT:  # a submodule becomes an attribute of its package, over a global of that name
            self.namespace[root] = kept
        return module if fromlist else sys.modules[f"{self.package}.{root}"]

    def module(self, path: str = "") -> ModuleType:
        """The captured module, or the local module at `path` below it."""
        return importlib.import_module(f"{self.package}.{path}" if path else self.package)

    def local(self, path: str) -> str:
        """The name in this process of the local module that was `path` in its notebook."""
        return f"{self.package}.{path}"

    def state(self, file: str, *extra: Any) -> Any:
        """The object in `state/<file>`, the same one each time, once its hash is checked."""
        if file not in self._loaded:
            path = self._checked(f"state/{file}")
            self._loaded[file] = self._unpickled(path) if file.endswith(".pkl") else read(path, *extra)
        return self._loaded[file]

    def _unpickled(self, path: Path) -> Any:
        # called by `state`, which model.py calls: statsmodels looks up the names of a formula in the frames above
        beside = path.with_suffix(".buffers").name
        large = buffers(self._checked(f"state/{beside}")) if f"state/{beside}" in self._hashes else None
        with path.open("rb") as stream:
            unpickler = _Unpickler(stream, self, large)
            value = unpickler.load()
        named = path.with_suffix(".parts")
        if f"state/{named.name}" in self._hashes:
            numbers, memo = json.loads(self._checked(f"state/{named.name}").read_bytes()), unpickler.memo.copy()
            self._parts[path.name] = {number: memo[number] for number in numbers}
        return value

    def part(self, file: str, number: int) -> Any:
        """The object that has this number in the pickle `state/<file>`."""
        self.state(file)
        return self._parts[file][number]

    def data(self, path: str, *, as_path: bool = False) -> str | Path:
        """Where the file or folder `path` is that the model read as this path in its notebook."""
        found = self.folder / "files" / path
        if path not in self._sound and found.exists():
            self._checked(f"files/{path}")
            self._sound.add(path)
        return found if as_path else f"{found}{'/' * path.endswith('/')}"

    def _checked(self, name: str) -> Path:
        """The path of a file of the bundle, or of a folder, whose content is what the hashes say."""
        path = self.folder / name
        for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if not each.is_dir():
                with each.open("rb") as stream:
                    self._check(each.relative_to(self.folder).as_posix(), _sha256(stream))
        return path

    def checked(self, path: str) -> bytes:
        """The content of a source file of the bundle, which is what its hash says."""
        content = (self.folder / path).read_bytes()
        self._check(path, hashlib.sha256(content).hexdigest())
        return content

    def _check(self, path: str, found: str) -> None:
        if self._hashes.get(path) != found:
            raise BundleRefused(
                f"its file {path} was changed after it was captured",
                where=str(self.folder / path),
                fix="capture the model again, or copy its bundle again from where it is whole",
            )


class _Unpickler(pickle.Unpickler):
    """Resolves what capture left to the bundle: its own module, its local modules, its other state."""

    def __init__(self, stream: IO[bytes], bundle: _Bundle, large: Iterable[memoryview] | None) -> None:
        super().__init__(stream, buffers=large)
        self._bundle = bundle
        self._resolved: dict[str, Callable[..., Any]] = {
            "captured_module": bundle.module,
            "captured_state": bundle.state,
            "captured_inner": self._inner,
            "captured_settings": inner.settled,
            "captured_cell": CellType,
            "captured_content": inner.filled,
        }

    def _inner(self, path: str, *how: Any) -> Any:
        own = path.partition(".")[0] in self._bundle.modules
        return inner.made(self._bundle.module(path).__name__ if own else path, *how)

    def persistent_load(self, pid: str | tuple[str, str | int]) -> Any:
        """What this pickle shares: a global of model.py, an object of a local module, a part of another pickle, or the
        one NaN of a package."""
        if isinstance(pid, str):
            return self._bundle.namespace[pid]
        place, name = pid
        if not place and isinstance(name, str):  # the NaN of a package
            package, _, own = name.partition(".")
            return getattr(importlib.import_module(package), own)
        return self._bundle.part(place, name) if isinstance(name, int) else getattr(self._bundle.module(place), name)

    def find_class(self, module: str, name: str) -> Any:
        if module in _PLACEHOLDERS and name in self._resolved:
            return self._resolved[name]
        if module.partition(".")[0] in self._bundle.modules:
            module = self._bundle.module(module).__name__
        return super().find_class(module, name)


class Finder(MetaPathFinder):
    """Finds the package of one bundle, in its folder `code` wherever else its name may be found."""

    def __init__(self, package: str, code: Path) -> None:
        self.package, self.code = package, str(code)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != self.package:
            return None
        spec = PathFinder.find_spec(fullname, [self.code] if path is None else path, target)
        if spec and spec.origin and isinstance(spec.loader, SourceFileLoader):
            spec.loader, spec.cached = self.loader(fullname, spec.origin), None
        return spec

    def loader(self, fullname: str, path: str) -> SourceFileLoader:
        return _Uncached(fullname, path)


class _LocalModules(Finder):
    """Finds the local modules of one bundle, and gives them its imports."""

    def __init__(self, bundle: _Bundle) -> None:
        super().__init__(bundle.package, bundle.folder / "code")
        self._bundle, self._prefix, self._inference = bundle, f"{bundle.package}.", f"{bundle.package}._wb"

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(self._prefix) or fullname.startswith(self._inference):
            return None
        return super().find_spec(fullname, path, target)

    def loader(self, fullname: str, path: str) -> SourceFileLoader:
        return _Checked(fullname, path, self._bundle)


class _Uncached(SourceFileLoader):
    """Compiles the source that has a hash in the manifest; a cached .pyc beside it has none."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


class _Checked(_Uncached):
    """Checks that hash, and gives the module the imports of its bundle."""

    def __init__(self, fullname: str, path: str, bundle: _Bundle) -> None:
        super().__init__(fullname, path)
        self._bundle = bundle

    def get_data(self, path: str) -> bytes:
        return self._bundle.checked(Path(path).relative_to(self._bundle.folder).as_posix())

    def source_to_code(self, data: Any, path: Any, **_: Any) -> CodeType:  # type: ignore[override]
        return compiled(data, str(path), self.name.removeprefix(f"{self._bundle.package}."))

    def exec_module(self, module: ModuleType) -> None:
        vars(module)["__builtins__"] = self._bundle.namespace["__builtins__"]
        super().exec_module(module)


def _sha256(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := stream.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()
