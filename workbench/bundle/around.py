"""What the modules around a model held in its notebook -> what a clean process holds otherwise.

Equal is what was so once the bundle was loaded, or once it had answered: a module may make what is missing, and keep
what it was asked. What a module makes anew each time it is imported, the time, a number by chance, tells nothing.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from ..capture.holdings import Holdings, classes, look, of_bundle, of_module, roots_of
from ..errors import NotProven
from . import layout
from .layout import Manifest

_SHOWN = 3


class Around:
    """Looks when the bundle has been loaded; `check` when it has answered. `kernel` says what the notebook held at
    capture, and `then`, once the model had been asked there."""

    def __init__(self, folder: Path, manifest: Manifest, kernel: Holdings, then: Holdings) -> None:
        self._package, self._kernel, self._then = manifest.package, kernel, then
        code = folder / layout.CODE / manifest.package
        self._digester = of_bundle(manifest.package, code, manifest.modules)
        self._loaded = self._look()

    def check(self) -> None:
        """NotProven for what a clean process has otherwise."""
        for key in self._kernel.keys() - self._loaded.keys():
            self._import(key)
        answered = self._look()
        for key, there in self._kernel.items():
            before, after = self._loaded.get(key, answered.get(key)), answered.get(key)
            if before is None or after is None:
                continue
            paths = _different(there, self._then.get(key, {}), before, after)
            if paths and (paths := [path for path in paths if not self._is_by_chance(key, path, before)]):
                raise _changed(key, paths, self._file(key))

    def _look(self) -> Holdings:
        own = classes(roots_of(self._kernel.get("", ())), vars(sys.modules[self._package]))
        return look(self._kernel, own, self._digester, self._package)

    def _import(self, key: str) -> None:
        path, _, name = key.partition(":")
        try:
            importlib.import_module(path if name else f"{self._package}.{path}")
        except Exception:  # noqa: BLE001 (what cannot be imported here is no part of the model)
            return

    def _module(self, key: str) -> ModuleType | None:
        return None if ":" in key else sys.modules.get(f"{self._package}.{key}")

    def _file(self, key: str) -> str:
        module = self._module(key)
        return Path(str(module.__file__)).name if module else key.partition(":")[0]

    def _is_by_chance(self, key: str, path: str, before: Mapping[str, str]) -> bool:
        """Whether the module, run once more, makes this part otherwise again."""
        module = self._module(key)
        if module is None or module.__spec__ is None or module.__spec__.loader is None:
            return False
        again = module_from_spec(module.__spec__)
        try:
            module.__spec__.loader.exec_module(again)
        except Exception:  # noqa: BLE001 (one that can be run but once)
            return False
        return of_module(again, self._digester).get(path) != before.get(path)


def _different(
    there: Mapping[str, str], then: Mapping[str, str], before: Mapping[str, str], after: Mapping[str, str]
) -> list[str]:
    """The paths that differ. What answering changes on both sides, a count, is the model's own affair; so is what a
    dict keeps that answering fills."""
    filled = {path.rpartition("[")[0] for path in after.keys() - before.keys() if path.endswith("]")}
    found = []
    for path in sorted({*there, *before}):
        known, live = {before.get(path), after.get(path)}, {there.get(path), then.get(path)}
        own = len(known) == len(live) == 2
        kept = path.endswith("]") and path.rpartition("[")[0] in filled and known == {None}
        if not known & live and not own and not kept:
            found.append(path)
    return [path for path in found if not any(path.startswith((f"{p}.", f"{p}[")) for p in found)]


def _changed(key: str, paths: list[str], file: str) -> NotProven:
    module, _, name = key.partition(":")
    named = [f"{module}.{name}{path}" if name else f"{module}.{path}".lstrip(".") for path in paths[:_SHOWN]]
    what, verb = " and ".join(named), "is" if len(named) == 1 else "are"
    if name:
        return NotProven(
            f"{what} {verb} not what {module.partition('.')[0]} has by itself: a cell changed it in place",
            where=module,
            fix="change it in predict, in `load` of a class Model, or in a module beside the notebook; "
            "or restart the kernel without the cell that changes it",
        )
    if not key:
        return NotProven(
            f"{what} in this kernel {verb} not what the text of its class gives: something changed it since",
            fix=f"run the cell that defines {paths[0].partition('.')[0]} again, keep what changes in an object or in a "
            "global of the notebook, then capture again",
        )
    return NotProven(
        f"{what} in this kernel {verb} not what {file} makes of it: something changed it since the import",
        where=file,
        fix=f"importlib.reload({module}) and run its users again, and keep what the model needs of the session in a "
        "global of the notebook; or write the change into the file; then capture again",
    )
