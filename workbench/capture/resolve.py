"""One name with its live binding -> the `Item` of `model.py` that binds it again."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from types import FunctionType, ModuleType
from typing import Any, cast

from .captured import Cell, Session, Taken
from .imports import Imports, imported_paths
from .literals import literal
from .live import (
    Refer,
    class_settings,
    function_settings,
    holds_other_defaults,
    method_source,
    wrapper_is_live,
    wrappers,
)
from .modules import Modules
from .names import Uses, bound, uses
from .refusals import closure, missing, other_binding, other_default, shell_line, unproven, wrapped
from .texts import Text, class_text, function_text, functions_of

Settings = Callable[[str, Mapping[str, Any], Refer], str]
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
    outside: frozenset[str] = frozenset()


class Resolver:
    """Knows what each name of a session is bound to and how `model.py` binds it; collects the modules met."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.modules = Modules()
        self._made: dict[str, Any] = {}
        self.namespace: Mapping[str, Any] = ChainMap(self._made, cast("dict[str, Any]", session.namespace))
        self._data: dict[int, str] = {}
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
        namespace = self.namespace
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

    def make(self, hint: str, value: object) -> str:
        """A name of its own in `model.py` for an object that no global is bound to."""
        known = next((name for name, made in self._made.items() if made is value), None)
        name = known or next(n for n in (f"_{hint}{i or ''}" for i in count()) if n not in self.namespace)
        self._made[name] = value
        return name

    def _bound(self, name: str, value: Any) -> Item:
        if not self.is_ours(value) and (found := self._imports.line(name, value)):
            return self._import(name, *found)
        if isinstance(value, type) and self.is_ours(value):
            return self._class(name, value)
        if item := self._function(name, value):
            return item
        return self._value(name, value)

    def _value(self, name: str, value: Any) -> Item:
        """Data: what can change, or is large, stays one object under all its names."""
        text, kind = literal(value), type(value)
        if text is None or kind in (list, dict, set):
            first = self._data.setdefault(id(value), name)
            if first != name:
                return Item(name, f"{name} = {first}", Taken(name, "value", self.cell(name), first), needs={first})
        if text is not None:
            return Item(name, f"{name} = {text}", Taken(name, "value", self.cell(name), text))
        return Item(name, "", Taken(name, "state", self.cell(name), kind.__name__))

    def _function(self, name: str, value: object) -> Item | None:
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
            return self._lambda(name, function, text)
        if value is not function:
            if wrappers(value) > text.decorators or not wrapper_is_live(value, self.namespace):
                raise wrapped(name, self.cell(name))
            if holds_other_defaults(function, text.source, self.namespace):
                raise other_default(name, self.cell(name))
            return self._definition(name, function.__name__, text, "function", lambda *_: "")
        text = text.undecorated() if name in self._made else text
        return self._definition(
            name, function.__name__, text, "function", partial(function_settings, function.__name__, function)
        )

    def _lambda(self, name: str, function: FunctionType, text: Text) -> Item:
        needs: set[str] = set()
        refer = partial(self._refer, needs)
        settings = function_settings(name, function, f"({text.source})", self.namespace, refer)
        item = self._source(name, f"{name} = {text.source}{settings}", text, "function")
        item.needs |= needs
        return item

    def _refer(self, needs: set[str], hint: str, value: Any) -> str:
        """The expression for a live object: its text, or the name that it has or now gets, which is needed then."""
        if (text := literal(value)) is not None:
            return text
        names = (n for n, held in self.namespace.items() if held is value and not n.startswith("_"))
        name = next(names, None) or self.make(hint, value)
        needs.add(name)
        return name

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
                if text and text.decorators:
                    yield held

    def _import(self, name: str, line: str, cell: Cell | None) -> Item:
        self.modules.follow(imported_paths(ast.parse(line)))
        value = self.namespace.get(name)
        if isinstance(value, ModuleType):
            self.modules.follow([value.__name__])
        return Item(name, line, Taken(name, "import", cell.label if cell else "", line))

    def _class(self, name: str, cls: type) -> Item:
        text = class_text(cls, self.session)
        if text is None and issubclass(cls, tuple) and hasattr(cls, "_fields"):
            return self._named_tuple(name, cls)
        for base in cls.__bases__:
            if self.is_ours(base) and "." not in base.__qualname__ and self.namespace.get(base.__name__) is not base:
                raise other_binding(base.__name__, self.cell(name))
        if text is None:
            reason = closure if "<locals>" in cls.__qualname__ else unproven
            raise reason(name, "class", self.cell(name))
        for method in functions_of(cls):
            source = method_source(text.source, method.__name__)
            if source and holds_other_defaults(method, source, self.namespace):
                raise other_default(f"{name}.{method.__name__}", self.cell(name))
        return self._definition(name, cls.__name__, text, "class", partial(class_settings, cls.__name__, cls))

    def _named_tuple(self, name: str, cls: Any) -> Item:
        """What `collections.namedtuple` made has no text of its own."""
        needs: set[str] = set()
        defaults = [self._refer(needs, f"{name}_default", value) for value in cls._field_defaults.values()]
        made = f"{cls.__name__!r}, {list(cls._fields)!r}, defaults=[{', '.join(defaults)}]"
        text = f"{name} = collections.namedtuple({made})"
        self._made.setdefault("collections", importlib.import_module("collections"))
        return Item(name, text, Taken(name, "class", self.cell(name)), needs={*needs, "collections"})

    def _definition(self, name: str, own_name: str, text: Text, kind: Any, settings: Settings) -> Item:
        """The text of a definition, what is set on it since, and its other name where it has one."""
        if own_name != name and name not in self._made and self.namespace.get(own_name) is self.namespace[name]:
            return Item(name, f"{name} = {own_name}", Taken(name, kind, self.cell(name)), needs={own_name})
        needs: set[str] = set()
        source = text.source + settings(text.source, self.namespace, partial(self._refer, needs))
        if own_name != name:
            source += f"\n\n\n{name} = {own_name}"
        item = self._source(name, source, text, kind)
        item.needs |= needs
        item.needs -= {own_name}
        item.rebinds = own_name if own_name != name else ""
        return item

    def _source(self, name: str, source: str, text: Text, kind: Any) -> Item:
        found = uses(source, future_annotations=text.future_annotations)
        later = found.later | (found.strings & self.namespace.keys())
        self.modules.follow(imported_paths(ast.parse(source)))
        cell = text.cell.label if text.cell.number is not None else self.cell(name)
        taken = Taken(name, kind, cell)
        return Item(
            name, source, taken, set(found.now) - {name}, set(later), text.future_annotations, outside=found.outside
        )

    def _submodules(self, item: Item) -> Iterator[Item]:
        """Imports of modules that the item reaches by a dotted path from a package, `sklearn.linear_model.Ridge`."""
        if item.taken.kind not in ("function", "class"):
            return
        found: Uses = uses(item.text)
        for name in found.all & found.chains.keys():
            module = self.namespace.get(name)
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
