"""The modules that captured source imports -> local files that come along, and packages that are required."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

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
    """Follows imports through the local modules; what is left are installed packages. `local` are their sources,
    `data` the files that lie in packages beside these, by their paths below the captured package."""

    def __init__(self) -> None:
        self.local: dict[str, Path] = {}
        self.data: dict[str, Path] = {}
        self._roots: set[str] = set()
        self._seen: set[str] = set()

    def follow(self, paths: Iterable[str]) -> None:
        """Take the modules of these dotted paths along, with all that they import in turn."""
        for path in sorted(set(paths) - self._seen - {""}):
            self._seen.add(path)
            root = path.split(".")[0]
            if root in sys.stdlib_module_names or root == "__main__":
                continue
            if is_local(find_module(root)):
                self._take(root)
            else:
                self._roots.add(root)

    def _take(self, root: str) -> None:
        self._seen.add(root)
        module = find_module(root)
        assert module is not None
        folders = [Path(p) for p in getattr(module, "__path__", [])]
        if not folders:
            self._take_file(f"{root}.py", Path(str(module.__file__)), root)
        for folder in folders:
            for file in sorted(folder.rglob("*.py")):
                inside = file.relative_to(folder)
                package = ".".join([root, *inside.parent.parts])
                self._take_file(f"{root}/{inside.as_posix()}", file, package)
            if (folder / "__init__.py").is_file():
                self.data.update((f"{root}/{f.relative_to(folder).as_posix()}", f) for f in _data(folder))

    def _take_file(self, name: str, file: Path, package: str) -> None:
        if name in self.local:
            return
        self.local[name] = file
        dotted = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        try:
            text = file.read_text(encoding="utf-8")
            tree = ast.parse(text)
        except (OSError, SyntaxError, UnicodeDecodeError) as error:
            raise CaptureRefused(
                f"the local module {name} cannot come along: {error}",
                where=str(file),
                fix="save the module as valid Python, import it again and capture again",
            ) from error
        module = sys.modules.get(dotted)
        if module is not None and (change := drift(module, text)):
            raise module_changed(dotted, change, str(file))
        self.follow(imported_paths(tree, package))

    def requirements(self) -> dict[str, str]:
        """The distributions of the installed packages, with the versions that are installed here."""
        return required(self._roots)


def required(roots: Iterable[str]) -> dict[str, str]:
    """The distributions that these modules come from, with the versions that are installed here."""
    found = {name: metadata.version(name) for root in sorted(roots) for name in _distributions(root)}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _data(folder: Path) -> Iterator[Path]:
    """The files of a package that are no source: nothing hidden, no notebooks, nothing that Python cached."""
    for file in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "__pycache__")) for part in file.relative_to(folder).parts)
        if file.is_file() and not hidden and file.suffix not in (".py", ".pyc", ".ipynb"):
            yield file


def _distributions(root: str) -> list[str]:
    for name in (DISTRIBUTIONS.get(root), root):
        if name:
            try:
                return [metadata.distribution(name).metadata["Name"]]
            except metadata.PackageNotFoundError:
                continue
    return sorted(set(metadata.packages_distributions().get(root, [])))
