"""The backward walk: from the entry's name, over the live bindings, to all that it needs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import reduce
from pathlib import Path
from typing import Any

from ..errors import CaptureRefused
from .caches import refuse_stale_caches_of
from .captured import Session, Taken
from .containers import made_containers, shared_containers
from .cycles import cycles
from .holdings import dotted, live
from .homes import among
from .imports import is_local, texts_beside
from .item import Item
from .live import means
from .refusals import made_inside, module_changed, refitted, secret
from .resolve import Resolver
from .secrets import in_file, in_frame, in_text, refuse_in_files, secrets_of
from .sharing import Entangled
from .state import TOGETHER, Found, StateWriter, is_plain_array
from .subclasses import subclasses
from .surround import Surroundings
from .texts import attribute
from .unpicklable import unpicklable
from .views import refuse_views


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
        self._containers = shared_containers(self._known)
        self.surroundings = Surroundings(self._known)
        self._known.is_pickled = self._writer.sharing.holds
        self._writer.sharing.needs = self._needs
        self._data: list[str] = []
        self._tangled: set[tuple[str, str]] = set()
        self._groups: dict[str, list[str]] = {}
        """The names of data that one file holds, by its own name."""
        self._walk([(entry, "")])
        self._surround()
        for group in list(cycles(self.items)):
            self._walk(self._write_together(group))
        refuse_views(self._arrays(), (item.text for item in self.items.values()))
        for path in live(self.modules.local):
            refuse_stale_caches_of(sys.modules[path])
        self.states |= {file.name: file for file in self._writer.parts()}
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
        self._follow(names)
        while self._data:
            name = self._data.pop(0)
            self._follow(self._write_together([name]) if name in self._groups else self._write_state(name))

    def _follow(self, names: list[tuple[str, str]]) -> None:
        """The items of these names, and of all that they need; what is data waits to be written."""
        while names:
            name, user = names.pop()
            if name in self.items:
                continue
            self._users[name] = user
            for item in self._resolver.items(name, user):
                names += self._add(item)
                if item.taken.kind == "state":
                    self._writer.names[id(self._namespace[name])] = f"{name}.pkl"
                    self._data.append(name)

    def _add(self, item: Item) -> list[tuple[str, str]]:
        self.items.setdefault(item.name, item)
        return [(n, item.name) for n in sorted(item.needs | item.uses) if not n.startswith("import ")]

    def _write_state(self, name: str) -> list[tuple[str, str]]:
        value, item = self._namespace[name], self.items[name]
        if at_home := self._resolver.at_home(name):
            self.items[name] = at_home
            return [(n, name) for n in sorted(at_home.needs)]
        self._say_elsewhere()
        try:
            file, found = self._written(name, lambda: self._writer.write(name, value))
        except Entangled as held:
            return self._untangle(name, held.name)
        self._bind(item, [file, *found.beside])
        item.needs = self._needed(found)
        return [(n, name) for n in sorted(item.needs)]

    def _written(self, name: str, write: Callable[[], tuple[Path, Found]]) -> tuple[Path, Found]:
        """The file and what it refers to; CaptureRefused for what can be in no file."""
        try:
            file, found = write()
        except CaptureRefused as refusal:
            refusal.where = refusal.where or ", ".join(filter(None, [name, self._known.cell(name)]))
            raise
        except (OSError, Entangled):
            raise
        except Exception as error:
            raise unpicklable(self._known, name, self._users.get(name, ""), self._namespace[name], error) from error
        self.modules.follow(found.modules)
        for key, were in found.mentioned.items():
            if key in self._namespace and not all(means(self._namespace[key], each) for each in were):
                raise refitted(name, key, self._known.cell(name))
        return file, found

    def _needed(self, found: Found) -> set[str]:
        states = {name.removesuffix(TOGETHER) for name in found.states}
        return found.globals | states | (found.mentioned.keys() & self._namespace.keys())

    def _bind(self, item: Item, files: list[Path]) -> None:
        """The statement that reads the first of the files, and what is taken with it."""
        self.states.update({each.name: each for each in files})
        kind = type(self._namespace[item.name]).__name__
        item.text = f'{item.name} = __state__("{files[0].name}")  # {kind}'
        item.taken = Taken(item.name, "state", self._known.cell(item.name), kind, sum(map(_size, files)))

    def _untangle(self, name: str, other: str) -> list[tuple[str, str]]:
        """The other way round; where that was tried, both in one file."""
        if other in self._groups or {(name, other), (other, name)} & self._tangled:
            return self._write_together([name, other])
        self._tangled.add((name, other))
        self._data = [*self._data, *self._writer.sharing.forget(other)]
        return self._write_state(name)

    def _write_together(self, names: Iterable[str]) -> list[tuple[str, str]]:
        """What holds each other in one file, and again what was written since the first of them."""
        group = sorted({member for name in names for member in self._groups.pop(name, [name])})
        again = self._writer.sharing.forget_from({*group, *names})
        values = {name: self._namespace[name] for name in group}
        self._say_elsewhere()
        try:
            together, found = self._written(group[0], lambda: self._writer.write_together(values))
        except Entangled as held:
            self._data += again
            return self._write_together([*group, held.name])
        self._groups[together.stem] = group
        self.states = {file: place for file, place in self.states.items() if place.exists()}
        self.states.update({each.name: each for each in (together, *found.beside)})
        for name in group:
            self._bind(self.items[name], [self._writer.write_part(name, values[name], together)])
            self.items[name].needs = self._needed(found) - set(group)
        self._data = [name for name in dict.fromkeys([*self._data, *again]) if name not in group]
        return [(n, group[0]) for n in sorted(self._needed(found))]

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        """The arrays that are data, under their names, and those inside of others, as parts of these."""
        named = {name: self._namespace[name] for name, item in self.items.items() if item.taken.kind == "state"}
        yield from ((name, value) for name, value in named.items() if is_plain_array(value))
        for name, value in self._writer.sharing.values():
            if is_plain_array(value) and not any(value is held for held in named.values()):
                yield f".{name}", value

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

    def _needs(self, name: str, other: str) -> bool:
        """Whether `name` leads to `other`, over all that the items need and use."""
        seen, pending = set[str](), [name.removesuffix(TOGETHER)]
        while pending:
            item = self.items.get(pending.pop())
            pending += (new := (item.needs | item.uses if item else set()) - seen)
            seen |= new
        return other in seen

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
        if "<locals>" in qualname:
            raise made_inside(qualname, module.__name__, str(module.__file__))
        if reduce(_part, qualname.split("."), module) is not obj:
            raise module_changed(module.__name__, f"{qualname} is not the one that is used here", str(module.__file__))
        return module.__name__, qualname

    def _global(self, obj: Any) -> str:
        """The path of a class or function of the notebook; one that no name is bound to, a lambda in a transformer or
        a class that was redefined since, gets a name of its own."""
        if path := self._known.path_of(obj):
            return path
        name = self._known.make("lambda" if obj.__name__ == "<lambda>" else obj.__name__, obj)
        self._follow([(name, "")])
        self._say_elsewhere()
        return name

    def _say_elsewhere(self) -> None:
        """Tell the writer what has a place of its own by now."""
        local = among(self._known.homes, dotted(self.modules.local))
        self._writer.elsewhere |= {**self._containers, **made_containers(self._known), **local}


def _part(owner: Any, name: str) -> Any:
    return getattr(owner, name, None)


def _size(file: Path) -> int:
    """Of a file, or of all files in a folder."""
    return sum(each.stat().st_size for each in (file.rglob("*") if file.is_dir() else [file]))
