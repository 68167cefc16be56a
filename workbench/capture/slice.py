"""The backward walk: from the entry's name, over the live bindings, to all that it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

from ..errors import CaptureRefused
from .caches import refuse_stale_caches_of
from .captured import Session, Taken
from .containers import made_containers, shared_containers
from .environment import holder
from .holdings import dotted, live
from .homes import among
from .imports import is_local
from .item import Item
from .refusals import module_changed, secret, unpicklable
from .resolve import Resolver
from .sharing import Entangled
from .state import StateWriter, is_plain_array
from .subclasses import subclasses
from .surround import Surroundings
from .texts import attribute
from .views import refuse_views


class Slice:
    """All that `entry` needs: `items` by name, `states` the files that hold its data, by file name."""

    def __init__(self, entry: str, session: Session, folder: Path) -> None:
        self.items: dict[str, Item] = {}
        self.states: dict[str, Path] = {}
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
        self._walk([(entry, "")])
        self._surround()
        refuse_views(self._arrays(), (item.text for item in self.items.values()))
        for path in live(self.modules.local):
            refuse_stale_caches_of(sys.modules[path])
        self.states |= {file.name: file for file in self._writer.parts()}
        self.hashes = self._writer.hashes

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
            self._follow(self._write_state(self._data.pop(0)))

    def _follow(self, names: list[tuple[str, str]]) -> None:
        """The items of these names, and of all that they need; what is data waits to be written."""
        while names:
            name, user = names.pop()
            if name in self.items:
                continue
            for item in self._resolver.items(name, user):
                names += self._add(item)
                if item.taken.kind == "state":
                    self._writer.names[id(self._namespace[name])] = f"{name}.pkl"
                    self._data.append(name)

    def _add(self, item: Item) -> list[tuple[str, str]]:
        self.items.setdefault(item.name, item)
        return [(n, item.name) for n in sorted(item.needs | item.uses) if not n.startswith("import ")]

    def _write_state(self, name: str) -> list[tuple[str, str]]:
        value, cell = self._namespace[name], self._known.cell(name)
        if item := self._resolver.at_home(name):
            self.items[name] = item
            return [(n, name) for n in sorted(item.needs)]
        self._say_elsewhere()
        try:
            file, found = self._writer.write(name, value)
        except Entangled as held:
            self._data = [*self._data, *self._writer.sharing.forget(held.name)]
            return self._write_state(name)
        except CaptureRefused as refusal:
            refusal.where = refusal.where or ", ".join(filter(None, [name, cell]))
            raise
        except OSError:
            raise
        except Exception as error:
            raise unpicklable(name, value, error, cell) from error
        self._refuse_secrets(name, cell, file)
        self.modules.follow(found.modules)
        files = [file, *found.beside]
        self.states.update({each.name: each for each in files})
        kind = type(value).__name__
        item = self.items[name]
        item.text = f'{name} = __state__("{file.name}")  # {kind}'
        item.needs = found.globals | found.states | (found.mentioned & self._namespace.keys())
        item.taken = Taken(name, "state", cell, kind, sum(map(_size, files)))
        return [(n, name) for n in sorted(item.needs)]

    def _arrays(self) -> Iterator[tuple[str, Any]]:
        """The arrays that are data, under their names, and those inside of others, as parts of these."""
        named = {name: self._namespace[name] for name, item in self.items.items() if item.taken.kind == "state"}
        yield from ((name, value) for name, value in named.items() if is_plain_array(value))
        for name, value in self._writer.sharing.values():
            if is_plain_array(value) and not any(value is held for held in named.values()):
                yield f".{name}", value

    def _needs(self, name: str, other: str) -> bool:
        """Whether `name` leads to `other`, over all that the items need and use."""
        seen, pending = set[str](), [name]
        while pending:
            item = self.items.get(pending.pop())
            pending += (new := (item.needs | item.uses if item else set()) - seen)
            seen |= new
        return other in seen

    def _refuse_secrets(self, name: str, cell: str, file: Path) -> None:
        if self._known.secrets and (variable := holder(file.read_bytes(), self._known.secrets)):
            raise secret(name, variable, cell)

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
