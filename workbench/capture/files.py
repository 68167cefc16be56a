"""The data files that a model reads -> files of its bundle, and its text with their new places.

A path that stands in the text as a string, or that a global holds, becomes `__data__("rates.csv")`, which the
bundle answers with the file that came along; a local module that is imported by a string becomes
`__local__("shop")`. What local modules read beside themselves is brought beside them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path, PurePath

from .captured import CapturedModel, Session, Taken
from .imports import find_module, is_local, texts_beside
from .modules import required
from .paths import Named, paths_in, replaced
from .reads import Reads, is_data
from .refusals import file_unnamed
from .secrets import refuse_in_files, secrets_of

_MODEL = ""  # the key of model.py's own text among those of the modules


def bring(captured: CapturedModel, session: Session, reads: Reads, place: Path) -> CapturedModel:
    """The model with the files that it read while it was asked, and those that its text names; local modules whose
    text changes are written into `place`. CaptureRefused names a file that cannot be found again elsewhere."""
    return _Bringing(captured, session, reads).model(place)


class _Bringing:
    def __init__(self, captured: CapturedModel, session: Session, reads: Reads) -> None:
        self.captured, self.reads, self.here = captured, reads, Path.cwd()
        own = {name: file.read_text("utf-8", "replace") for name, file in captured.modules.items()}
        self.texts = {_MODEL: captured.source, **own}
        self.named = {name: paths_in(text) for name, text in self.texts.items()}
        self.packages = {PurePath(name).parts[0].removesuffix(".py") for name in own}
        self.globals = dict(_paths_of_globals(captured, session, self.here))
        self.beside: dict[str, Path] = dict(captured.beside)
        self.roots: dict[Path, str] = {}
        self.outside: list[str] = []
        self.secrets = secrets_of([*(cell.text for cell in session.cells), *texts_beside()], session.namespace)

    def model(self, place: Path) -> CapturedModel:
        for file in {*self._named_files(), *(f for f in self.globals.values() if is_data(f))} - self.reads.written:
            self.roots[file] = self._place(file)
        self._beside_modules()
        for file in self.reads.data():
            self._find(file)
        texts = {name: self._replaced(name) for name in self.texts}
        source, state = self._globals_replaced(texts.pop(_MODEL))
        files = dict(sorted(self._files()))
        refuse_in_files({**files, **self.beside}, self.secrets)
        outside = [what for what in self.captured.outside if not (files and what.startswith("open in "))]
        return replace(
            self.captured,
            source=source,
            state=state,
            modules={**self.captured.modules, **dict(_written(texts, self.texts, place))},
            beside=self.beside,
            files=files,
            requirements={**required(self._unpickled()), **self.captured.requirements},
            taken=(*self.captured.taken, *_taken({**files, **self.beside})),
            outside=(*outside, *self.outside),
        )

    def _unpickled(self) -> set[str]:
        """The installed packages that the files need which were unpickled."""
        roots = {path.split(".")[0] for path in self.reads.modules} - sys.stdlib_module_names - {"__main__"}
        return {root for root in roots if not is_local(find_module(root)) and not root.startswith("wb_")}

    def _named_files(self) -> Iterator[Path]:
        for named in (each for of_one in self.named.values() for each in of_one):
            path = named.leads_to(self.here)
            if (path in self.reads.read or set("./") & set(named.value)) and is_data(path):
                yield path

    def _find(self, file: Path) -> None:
        """Where a file that was read is found in the bundle: itself, below a folder of the text, beside a module."""
        if file in self.roots or file in self.beside.values() or any(file.is_relative_to(root) for root in self.roots):
            return
        folders = {each.leads_to(self.here) for of_one in self.named.values() for each in of_one if self._above(each)}
        above = [f for f in {*folders, *self.globals.values()} if f.is_dir() and file.is_relative_to(f)]
        if above:
            root = max(above, key=lambda folder: len(folder.parts))
            self.roots[root] = self._place(root)
        elif not self._beside(file):
            if file.is_relative_to(self.here) and not _hidden(file.relative_to(self.here)):
                raise file_unnamed(self.captured.entry, str(file.relative_to(self.here)), self.captured.cell)
            self.outside.append(str(file))

    def _above(self, named: Named) -> bool:
        """Whether files below a string may be read by it; one that is put together must lead below here, from here."""
        relative = not Path(named.value).expanduser().is_absolute()
        return named.folder and (not named.built or (relative and named.leads_to(self.here).is_relative_to(self.here)))

    def _beside(self, file: Path) -> bool:
        for base, name in self._modules_by_file():
            if file.is_relative_to(base) and "__file__" in self.texts[name]:
                self.beside[file.relative_to(base).as_posix()] = file
                return True
        return False

    def _beside_modules(self) -> None:
        """Files that a module names beside itself, which it may have read when it was imported."""
        for base, name in self._modules_by_file():
            folder = (base / name).parent
            for named in self.named[name] if "__file__" in self.texts[name] else []:
                file = named.leads_to(folder)
                if is_data(file) and file.is_relative_to(base):
                    self.beside[file.relative_to(base).as_posix()] = file

    def _modules_by_file(self) -> Iterator[tuple[Path, str]]:
        """Each local module with the folder that its path in the bundle begins in."""
        for name in self.texts.keys() - {_MODEL}:
            yield self.captured.modules[name].parents[len(Path(name).parts) - 1], name

    def _place(self, root: Path) -> str:
        """The path of a file or folder below `files/`: as from here, or its own name where it lies elsewhere."""
        if root.is_relative_to(self.here):
            return root.relative_to(self.here).as_posix()
        taken, name = set(self.roots.values()), root.name or "root"
        return next(n for i in range(len(taken) + 1) if (n := f"{name}-{i}" if i else name) not in taken)

    def _files(self) -> Iterator[tuple[str, Path]]:
        """The files below each root; of a folder that the notebook itself lies in, only those that were read."""
        for root, name in self.roots.items():
            if root.is_file():
                yield name, root
                continue
            whole = not self.here.is_relative_to(root)
            for file in root.rglob("*") if whole else self.reads.data():
                if file.is_relative_to(root) and file.is_file():
                    yield (PurePath(name) / file.relative_to(root)).as_posix(), file

    def _replaced(self, module: str) -> str:
        places: dict[Named, str] = {}
        for named in self.named[module]:
            if named.module and named.value.split(".")[0] in self.packages:
                places[named] = f"__local__({named.value!r})"
            elif self.roots and (found := self._found(named)):
                places[named] = f"__data__({found})"
        return replaced(self.texts[module], places)

    def _found(self, named: Named) -> str | None:
        """What `__data__` is asked for in the place of a string; None for one that leads to nothing that came along."""
        path = named.leads_to(self.here)
        if named.built:
            below = any(path.is_relative_to(root) for root in self.roots if root.is_dir())
            return named.built if below and self._above(named) else None
        if path not in self.roots or (path.is_dir() and not named.folder):
            return None
        return repr(self.roots[path] + "/" * named.value.endswith("/"))

    def _globals_replaced(self, source: str) -> tuple[str, Mapping[str, Path]]:
        """Globals that hold a path object are bound to the new place instead of to their state."""
        state = dict(self.captured.state)
        for name, path in self.globals.items():
            if path in self.roots:
                line = next(line for line in source.splitlines() if line.startswith(f"{name} = __state__("))
                source = source.replace(line, f"{name} = __data__({self.roots[path]!r}, as_path=True)")
                state.pop(f"{name}.pkl", None)
        return source, state


def _hidden(file: Path) -> bool:
    return any(part.startswith(".") for part in file.parts)


def _paths_of_globals(captured: CapturedModel, session: Session, here: Path) -> Iterator[tuple[str, Path]]:
    for taken in captured.taken:
        value = session.namespace.get(taken.name)
        if taken.kind == "state" and isinstance(value, Path) and value.exists():
            yield taken.name, Named(str(value), 0, 0, folder=True).leads_to(here)


def _written(texts: Mapping[str, str], before: Mapping[str, str], place: Path) -> Iterator[tuple[str, Path]]:
    for name, text in texts.items():
        if text != before[name]:
            file = place / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
            yield name, file


def _taken(files: Mapping[str, Path]) -> Iterable[Taken]:
    return [Taken(name, "file", detail=str(file), n_bytes=file.stat().st_size) for name, file in files.items()]
