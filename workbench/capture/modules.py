"""The modules that captured source imports -> local files that come along, and packages that are required."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable
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
    """Follows imports through the local modules; what is left are installed packages."""

    def __init__(self) -> None:
        self.local: dict[str, Path] = {}
        self._roots: set[str] = set()
        self._seen: set[str] = set()

    @property
    def roots(self) -> set[str]:
        """The top-level names of all modules that were followed."""
        return {path.partition(".")[0] for path in self._seen}

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
        found: dict[str, str] = {}
        for root in sorted(self._roots):
            for distribution in _distributions(root):
                found[distribution] = metadata.version(distribution)
        return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def _distributions(root: str) -> list[str]:
    for name in (DISTRIBUTIONS.get(root), root):
        if name:
            try:
                return [metadata.distribution(name).metadata["Name"]]
            except metadata.PackageNotFoundError:
                continue
    return sorted(set(metadata.packages_distributions().get(root, [])))
