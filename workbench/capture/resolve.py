"""One name with its live binding -> the items of `model.py` that bind it again."""

from __future__ import annotations

import ast
import builtins
import logging
import typing
from collections.abc import Iterator, Mapping
from types import GenericAlias, ModuleType, UnionType
from typing import Any

from .bindings import Bindings
from .captured import Cell, Session, Taken
from .classes import called, class_items
from .containers import Containers
from .environment import variables
from .functions import function_items
from .holdings import dotted
from .imports import imported_paths
from .item import Item
from .literals import literal
from .names import Uses, uses
from .refusals import missing, no_file, pickled_here, shell_line
from .texts import Text

_SHELL_MADE = {"open", "exit", "quit"}
_MODULE_MADE = {"__name__", "__doc__"}
_TYPING = (typing.TypeVar, typing.ParamSpec, typing.NewType, GenericAlias, UnionType, type(typing.ClassVar[int]))


class Resolver:
    """Knows what each name of a session is bound to and how `model.py` binds it."""

    def __init__(self, session: Session) -> None:
        self.known = Bindings(session)
        self.modules = self.known.modules
        self.namespace: Mapping[str, Any] = self.known.namespace
        self._data: dict[int, str] = {}
        self._containers = Containers(self.known)

    def items(self, name: str, user: str) -> list[Item]:
        """The items that bind `name`, with imports of the submodules that they reach; none for a builtin."""
        namespace = self.namespace
        if name == "get_ipython":
            raise shell_line(user, self.known.place(user, name))
        if name == "__file__":
            raise no_file(user, self.known.place(user, name))
        if name == "display" and name not in vars(builtins):
            return [self._import(name, "from IPython.display import display", None)]
        if name in _MODULE_MADE or (hasattr(builtins, name) and (name not in namespace or name in _SHELL_MADE)):
            return self._patched_builtin(name)
        if name not in namespace:
            raise missing(name, user, self.known.place(user, name))
        items = self._bound(name, namespace[name])
        return [*items, *(module for item in items for module in self._submodules(item))]

    def _patched_builtin(self, name: str) -> list[Item]:
        """`builtins.round = …` as a global of `model.py`, whose builtins are its own."""
        patch = next((p for p in self.known.patches if p.owner is builtins and p.name == name), None)
        if patch is None or name in _SHELL_MADE:
            return []
        needs: set[str] = set()
        text = f"{name} = {self.known.refer(needs, name, patch.value)}"
        return [Item(name, text, Taken(name, "value", "", patch.path), needs=needs)]

    def _bound(self, name: str, value: Any) -> list[Item]:
        imported = not self.known.is_ours(value) and not self.known.is_patch(value)
        if imported and (found := self.known.imports.line(name, value)):
            return [self._import(name, *found)]
        if item := self.at_home(name):
            return [item]
        if isinstance(value, type) and self.known.is_ours(value):
            return class_items(self.known, name, value)
        if isinstance(value, _TYPING) and (item := called(self.known, name, value)):
            return [item]
        if item := self._of_the_environment(name, value) or self._before_a_patch(name, value):
            return [item]
        if isinstance(value, logging.Logger) and logging.getLogger(value.name) is value:
            return [self._logger(name, value)]
        return function_items(self.known, name, value) or [self._value(name, value)]

    def _logger(self, name: str, logger: logging.Logger) -> Item:
        """The logger of that name, at the level that counts for it here; handlers belong to what runs it."""
        needs: set[str] = set()
        text = f"{name} = {self.known.refer(needs, 'logging', logging)}.getLogger({logger.name!r})"
        level = logger.getEffectiveLevel()
        if logger.name != "root" and level != logging.WARNING:
            text += f"\n{name}.setLevel({level})"
        outside = frozenset({"its handlers"} if logger.handlers and logger.name != "root" else ())
        return Item(name, text, Taken(name, "value", self.known.cell(name), text), needs=needs, outside=outside)

    def at_home(self, name: str) -> Item | None:
        """The import of an object of a local module that comes along for another reason; else it is data, by itself."""
        home = self.known.homes.get(id(self.namespace[name]))
        if home is None or home[0] not in dotted(self.modules.local):
            return None
        return self._import(name, f"from {home[0]} import {home[1]} as {name}", None)

    def _before_a_patch(self, name: str, value: Any) -> Item | None:
        """`plain = json.dumps`, from before it was patched: so it is still where the model loads."""
        patch = next((p for p in self.known.patches if callable(value) and p.replaced(value)), None)
        if patch is None:
            return None
        needs: set[str] = set()
        text = f"{name} = __original__({self.known.refer(needs, patch.root, patch.owner)}, {patch.name!r})"
        return Item(name, text, Taken(name, "value", self.known.cell(name), patch.path), needs=needs)

    def _of_the_environment(self, name: str, value: Any) -> Item | None:
        """`KEY = os.environ["KEY"]` stays that: deployments have a value of their own."""
        found = self.known.statement(name)
        if found is None or literal(value) is None or not variables(ast.parse(found[0]), self.namespace):
            return None
        return self.known.item(name, found[0], Text(*found), "value")

    def _value(self, name: str, value: Any) -> Item:
        """Data: what can change, or is large, stays one object under all its names."""
        kind, cell = type(value), self.known.cell(name)
        if self.known.is_pickled(value):
            return Item(name, "", Taken(name, "state", cell, kind.__name__))
        text, needs = self._containers.text(name, value) or (literal(value), set[str]())
        if text is None or kind in (list, dict, set):
            first = self._data.setdefault(id(value), name)
            if first != name:
                return Item(name, f"{name} = {first}", Taken(name, "value", cell, first), needs={first})
        if text is not None:
            if "__main__" in text and kind is bytes:
                raise pickled_here(name, self.known.place(name))
            return Item(name, f"{name} = {text}", Taken(name, "value", cell, text), needs=needs)
        return Item(name, "", Taken(name, "state", cell, kind.__name__))

    def _import(self, name: str, line: str, cell: Cell | None) -> Item:
        self.modules.follow(imported_paths(ast.parse(line)))
        value = self.namespace.get(name)
        if isinstance(value, ModuleType):
            self.modules.follow([value.__name__])
        return Item(name, line, Taken(name, "import", cell.label if cell else "", line))

    def _submodules(self, item: Item) -> Iterator[Item]:
        """Imports of modules that the item reaches by a dotted path from a package, `sklearn.linear_model.Ridge`."""
        if item.taken.kind not in ("function", "class", "factory"):
            return
        found: Uses = uses(item.text)
        for name in found.all & found.chains.keys():
            module = self.namespace.get(name)
            if isinstance(module, ModuleType):
                for path in self.known.imports.submodules(module, found.chains[name]):
                    self.modules.follow([path])
                    item.needs.add(f"import {path}")
                    yield Item(f"import {path}", f"import {path}", Taken(path, "import", "", f"import {path}"))
