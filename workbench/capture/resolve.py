"""One name with its live binding -> the `Item` of `model.py` that binds it again."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from .captured import Cell, Session, Taken
from .imports import Imports, imported_paths
from .literals import literal
from .modules import Modules
from .names import Uses, bound, uses
from .refusals import closure, missing, shell_line, unproven
from .texts import Text, class_text, function_text

_SHELL_MADE = {"open", "exit", "quit"}
_MODULE_MADE = {"__name__", "__file__", "__doc__"}


@dataclass
class Item:
    """One statement of `model.py`: it binds `name`; it `needs` names while it runs and `uses` names later.

    The text of a state item is empty until its file is written. `rebinds` is a name that the statement binds
    on its way although another object is live under it.
    """

    name: str
    text: str
    taken: Taken
    needs: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    future_annotations: bool = False
    rebinds: str = ""


class Resolver:
    """Knows what each name of a session is bound to and how `model.py` binds it; collects the modules met."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.modules = Modules()
        self._imports = Imports(session)
        self._cells = _last_binding(session)

    def cell(self, name: str) -> str:
        """The label of the cell that bound `name` last, or nothing."""
        cell = self._cells.get(name)
        return cell.label if cell else ""

    def is_ours(self, value: object) -> bool:
        """Whether the notebook itself defined the class or function."""
        return getattr(value, "__module__", None) == self.session.namespace.get("__name__", "__main__")

    def items(self, name: str, user: str) -> list[Item]:
        """The item that binds `name`, with imports of the submodules that it reaches; none for a builtin."""
        namespace = self.session.namespace
        if name == "get_ipython":
            raise shell_line(user, self.cell(user))
        if name == "display" and name not in vars(builtins):
            return [self._import(name, "from IPython.display import display", None)]
        if name in _MODULE_MADE or (hasattr(builtins, name) and (name not in namespace or name in _SHELL_MADE)):
            return []
        if name not in namespace:
            raise missing(name, user, self.cell(user))
        item = self._bound(name, namespace[name])
        return [item, *self._submodules(item)]

    def function(self, name: str, value: object) -> Item | None:
        """The item of a function that the notebook defined, under `name`; None for any other value."""
        function = self._own_function(name, value)
        if function is None:
            return None
        text = function_text(function, self.session)
        if function.__closure__ and function.__code__.co_freevars != ("__class__",):
            raise closure(name, "function", self.cell(name))
        if text is None:
            reason = closure if "<locals>" in function.__qualname__ else unproven
            raise reason(name, "function", self.cell(name))
        if function.__name__ == "<lambda>":
            return self._source(name, f"{name} = {text.source}", text, "function")
        return self._definition(name, function.__name__, text, "function")

    def _bound(self, name: str, value: Any) -> Item:
        if not self.is_ours(value) and (found := self._imports.line(name, value)):
            return self._import(name, *found)
        if isinstance(value, type) and self.is_ours(value):
            return self._class(name, value)
        if item := self.function(name, value):
            return item
        text = literal(value)
        if text is not None:
            return Item(name, f"{name} = {text}", Taken(name, "value", self.cell(name), text))
        return Item(name, "", Taken(name, "state", self.cell(name), type(value).__name__))

    def _own_function(self, name: str, value: object) -> FunctionType | None:
        """The notebook's function behind `value`: itself, or the one that its decorators hold."""
        if not callable(value) or isinstance(value, type):
            return None
        inner = inspect.unwrap(value)
        if not isinstance(inner, FunctionType) or not self.is_ours(inner):
            return None
        return next(self._decorated(name, inner), inner)

    def _decorated(self, name: str, wrapper: FunctionType) -> Iterator[FunctionType]:
        """The function `name` in the closure of a wrapper that was made without functools.wraps."""
        for cell in wrapper.__closure__ or ():
            held = cell.cell_contents
            if isinstance(held, FunctionType) and held.__name__ == name and "<locals>" not in held.__qualname__:
                text = function_text(held, self.session)
                if text and text.source.startswith("@"):
                    yield held

    def _import(self, name: str, line: str, cell: Cell | None) -> Item:
        self.modules.follow(imported_paths(ast.parse(line)))
        value = self.session.namespace.get(name)
        if isinstance(value, ModuleType):
            self.modules.follow([value.__name__])
        return Item(name, line, Taken(name, "import", cell.label if cell else "", line))

    def _class(self, name: str, cls: type) -> Item:
        text = class_text(cls, self.session)
        if text is None:
            reason = closure if "<locals>" in cls.__qualname__ else unproven
            raise reason(name, "class", self.cell(name))
        return self._definition(name, cls.__name__, text, "class")

    def _definition(self, name: str, own_name: str, text: Text, kind: Any) -> Item:
        if own_name == name:
            return self._source(name, text.source, text, kind)
        namespace = self.session.namespace
        if namespace.get(own_name) is namespace.get(name):
            return Item(name, f"{name} = {own_name}", Taken(name, kind, self.cell(name)), needs={own_name})
        item = self._source(name, f"{text.source}\n\n\n{name} = {own_name}", text, kind)
        item.rebinds = own_name
        return item

    def _source(self, name: str, source: str, text: Text, kind: Any) -> Item:
        found = uses(source, future_annotations=text.future_annotations)
        self.modules.follow(imported_paths(ast.parse(source)))
        cell = text.cell.label if text.cell.number is not None else self.cell(name)
        taken = Taken(name, kind, cell)
        return Item(name, source, taken, set(found.now) - {name}, set(found.later), text.future_annotations)

    def _submodules(self, item: Item) -> Iterator[Item]:
        """Imports of modules that the item reaches by a dotted path from a package, `sklearn.linear_model.Ridge`."""
        if item.taken.kind not in ("function", "class"):
            return
        found: Uses = uses(item.text)
        for name in found.all & found.chains.keys():
            module = self.session.namespace.get(name)
            if isinstance(module, ModuleType):
                for path in self._imports.submodules(module, found.chains[name]):
                    self.modules.follow([path])
                    item.needs.add(f"import {path}")
                    yield Item(f"import {path}", f"import {path}", Taken(path, "import", "", f"import {path}"))


def _last_binding(session: Session) -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for cell in session.cells:
        try:
            tree = ast.parse(cell.text)
        except SyntaxError:
            continue
        for node in tree.body:
            cells.update(dict.fromkeys(bound(node), cell))
    return cells
