"""The backward walk: from the entry's name, over the live bindings, to all that it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import reduce
from pathlib import Path
from typing import Any

from ..errors import CaptureRefused
from .captured import Session, Taken
from .containers import shared_containers
from .cycles import cycles
from .imports import is_local
from .item import Item
from .patches import texts_beside
from .refusals import module_changed, secret
from .resolve import Resolver
from .secrets import in_file, in_frame, in_text, refuse_in_files, secrets_of
from .state import Found, StateWriter
from .subclasses import subclasses
from .surround import Surroundings
from .texts import attribute
from .unpicklable import unpicklable


class Slice:
    """All that `entry` needs: `items` by name, `states` the files that hold its data, by file name."""

    def __init__(self, entry: str, session: Session, folder: Path) -> None:
        self.items: dict[str, Item] = {}
        self.states: dict[str, Path] = {}
        self._users: dict[str, str] = {}
        self._resolver = Resolver(session)
        self._known = self._resolver.known
        self.modules = self._resolver.modules
        self._namespace = self._resolver.namespace
        self._writer = StateWriter(folder, self._home)
        self._writer.containers = shared_containers(self._known)
        self.surroundings = Surroundings(self._known)
        self._walk([(entry, "")])
        self._surround()
        for group in list(cycles(self.items)):
            self._write_together(group)
        self.hashes = self._writer.hashes
        self.secrets = secrets_of([*(cell.text for cell in session.cells), *texts_beside()], self._namespace)
        self._refuse_secrets()

    def _surround(self) -> None:
        """What is set around the items may need more items, and these more around them."""
        while True:
            before = set(self.items)
            for item in self.surroundings.items(self.items):
                self.items[item.name] = item
                self._walk([(n, item.name) for n in sorted(item.needs)])
            self._walk([(n, "") for n in subclasses(self._known, self.items)])
            if set(self.items) == before:
                return

    def _walk(self, names: list[tuple[str, str]]) -> None:
        """Data is written last, when all names of data are known, so that a shared object is written once."""
        data: list[str] = []
        while names or data:
            if not names:
                names += self._write_state(data.pop(0))
                continue
            name, user = names.pop()
            if name in self.items:
                continue
            self._users[name] = user
            for item in self._resolver.items(name, user):
                names += self._add(item)
                if item.taken.kind == "state":
                    self._writer.names[id(self._namespace[name])] = f"{name}.pkl"
                    data.append(name)

    def _add(self, item: Item) -> list[tuple[str, str]]:
        self.items.setdefault(item.name, item)
        return [(n, item.name) for n in sorted(item.needs | item.uses) if not n.startswith("import ")]

    def _write_state(self, name: str) -> list[tuple[str, str]]:
        value = self._namespace[name]
        file, found = self._written(name, lambda: self._writer.write(name, value))
        item = self.items[name]
        self._bind(item, [file, *found.beside])
        item.needs = found.globals | found.states | (found.mentioned & self._namespace.keys())
        return [(n, name) for n in sorted(item.needs)]

    def _written(self, name: str, write: Callable[[], tuple[Path, Found]]) -> tuple[Path, Found]:
        """The file and what it refers to; CaptureRefused for what can be in no file."""
        try:
            file, found = write()
        except CaptureRefused as refusal:
            refusal.where = refusal.where or ", ".join(filter(None, [name, self._known.cell(name)]))
            raise
        except OSError:
            raise
        except Exception as error:
            raise unpicklable(self._known, name, self._users.get(name, ""), self._namespace[name], error) from error
        self.modules.follow(found.modules)
        return file, found

    def _bind(self, item: Item, files: list[Path]) -> None:
        """The statement that reads the first of the files, and what is taken with it."""
        self.states.update({each.name: each for each in files})
        kind = type(self._namespace[item.name]).__name__
        item.text = f'{item.name} = __state__("{files[0].name}")  # {kind}'
        item.taken = Taken(item.name, "state", self._known.cell(item.name), kind, sum(map(_size, files)))

    def _write_together(self, group: list[str]) -> None:
        values = {name: self._namespace[name] for name in group}
        together, found = self._written(group[0], lambda: self._writer.write_together(values))
        self.states = {file: place for file, place in self.states.items() if place.exists()}
        self.states.update({each.name: each for each in (together, *found.beside)})
        for name in group:
            self._bind(self.items[name], [self._writer.write_part(name, together)])
            self.items[name].needs = found.globals | found.states | (found.mentioned & self._namespace.keys())
        needed = [(n, group[0]) for n in sorted(self.items[group[0]].needs)]
        self._walk(needed)

    def _refuse_secrets(self) -> None:
        if not self.secrets:
            return
        for name, item in self.items.items():
            if variable := in_text(item.text, self.secrets):
                raise secret(name, variable, self._known.place(name) or item.taken.cell)
        for file in (each for each in self.states.values() if each.name not in self._writer.numbers):
            name = file.name.partition(".")[0]
            frame = self._namespace.get(name) if file.suffix == ".parquet" else None
            if variable := in_file(file, self.secrets) or (frame is not None and in_frame(frame, self.secrets)) or None:
                raise secret(name, variable, self._known.place(name) or self._known.place(self._users.get(name, "")))
        refuse_in_files(self.modules.local, self.secrets)

    def _home(self, obj: Any) -> tuple[str, str] | None:
        """Where a class or function of a pickle lives in the bundle: (local module or "", qualified name)."""
        qualname = attribute(obj, "__qualname__")
        if not isinstance(qualname, str):
            return None
        if self._known.is_ours(obj):
            return "", self._global(obj)
        module = sys.modules.get(getattr(obj, "__module__", None) or "")
        if module is None or not is_local(module):
            return None
        self.modules.follow([module.__name__])
        if "<locals>" not in qualname and reduce(_part, qualname.split("."), module) is not obj:
            raise module_changed(module.__name__, f"{qualname} is not the one that is used here", str(module.__file__))
        return module.__name__, qualname

    def _global(self, obj: Any) -> str:
        """The path of a class or function of the notebook; one that no name is bound to, a lambda in a transformer or
        a class that was redefined since, gets a name of its own."""
        if path := self._known.path_of(obj):
            return path
        name = self._known.make("lambda" if obj.__name__ == "<lambda>" else obj.__name__, obj)
        self._walk([(name, "")])
        return name


def _part(owner: Any, name: str) -> Any:
    return getattr(owner, name, None)


def _size(file: Path) -> int:
    """Of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in (file.rglob("*") if file.is_dir() else [file]))
