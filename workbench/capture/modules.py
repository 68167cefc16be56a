"""The modules that captured source imports -> local files that come along, and packages that are required."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from itertools import accumulate
from pathlib import Path
from typing import Any

from ..errors import CaptureRefused
from .drift import drift
from .imports import find_module, imported_paths, is_local
from .refusals import module_changed

DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "PIL": "pillow",
    "yaml": "PyYAML",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
}
"""Import names whose distribution is called otherwise; a look-up of all others costs a tenth of a second."""


class Modules:
    """Follows imports through the local modules; what is left are installed packages.

    A package comes along whole, `local` its sources and `data` its other files by their paths below the captured
    package; but only what was imported, or may be, is followed: its tests require nothing.
    """

    def __init__(self) -> None:
        self.local: dict[str, Path] = {}
        self.data: dict[str, Path] = {}
        self._roots: set[str] = set()
        self._seen: set[str] = set()
        self._read: set[str] = set()

    @property
    def roots(self) -> set[str]:
        """The top-level names of all modules that were followed."""
        return {path.partition(".")[0] for path in self._seen}

    def texts(self) -> Iterator[str]:
        """The sources that come along."""
        for file in self.local.values():
            yield file.read_text(encoding="utf-8", errors="replace")

    def follow(self, paths: Iterable[str]) -> None:
        """Take the modules of these dotted paths along, with all that they import in turn."""
        for path in sorted(set(paths) - self._seen - {""}):
            self._seen.add(path)
            root = path.split(".")[0]
            if root in sys.stdlib_module_names or root == "__main__":
                continue
            module = find_module(root)
            if not is_local(module):
                self._roots.add(root)
                continue
            if root not in self._read:
                self._take(root, module)
                self.follow(name for name in list(sys.modules) if name.split(".")[0] == root)
            for parent in accumulate(path.split("."), "{}.{}".format):
                self._follow_file(parent)

    def _take(self, root: str, module: Any) -> None:
        folders = [Path(p) for p in getattr(module, "__path__", [])]
        if not folders:
            self.local[f"{root}.py"] = Path(str(module.__file__))
        for folder in folders:
            whole = (folder / "__init__.py").is_file()
            for file in _files(folder):
                taken = self.local if file.suffix == ".py" else self.data
                if whole or taken is self.local:
                    taken.setdefault(f"{root}/{file.relative_to(folder).as_posix()}", file)

    def _follow_file(self, path: str) -> None:
        """Follow what the local module at this dotted path imports, if there is one."""
        stem = path.replace(".", "/")
        name = next((n for n in (f"{stem}.py", f"{stem}/__init__.py") if n in self.local), None)
        if name is None or path in self._read:
            return
        self._read.add(path)
        file = self.local[name]
        try:
            text = file.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise CaptureRefused(
                f"the local module {name} cannot come along: {error}",
                where=str(file),
                fix="save the module as valid Python, import it again and capture again",
            ) from error
        module = sys.modules.get(path)
        if module is not None and (change := drift(module, text)):
            raise module_changed(path, change, str(file))
        self.follow(imported_paths(tree, path if name.endswith("/__init__.py") else path.rpartition(".")[0]))

    def requirements(self) -> dict[str, str]:
        """The distributions of the installed packages, with the versions that are installed here."""
        return required(self._roots)


def required(roots: Iterable[str]) -> dict[str, str]:
    """The distributions that these modules come from, with the versions that are installed here."""
    found = {name: metadata.version(name) for root in sorted(roots) for name in _distributions(root)}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _files(folder: Path) -> Iterator[Path]:
    """The files of a package: nothing hidden, no notebooks, nothing that Python or Jupyter keeps for itself."""
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__pycache__")) for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden and file.suffix not in (".pyc", ".ipynb"):
            yield file


def _distributions(root: str) -> list[str]:
    for name in (DISTRIBUTIONS.get(root), root):
        if name:
            try:
                return [metadata.distribution(name).metadata["Name"]]
            except metadata.PackageNotFoundError:
                continue
    return sorted(set(metadata.packages_distributions().get(root, [])))
