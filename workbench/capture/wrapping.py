"""The decorators around a live function: whether its text, run again, would give what is live."""

from __future__ import annotations

import ast
import functools
from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from .digest import Cached
from .literals import is_immutable, literal
from .texts import Text, function_text, inner_code, same_code, unwrapped

if TYPE_CHECKING:
    from .bindings import Bindings

_OF_CLASSES = ("property", "staticmethod", "classmethod")


def of_the_notebook(known: Bindings, decorators: list[ast.expr]) -> list[ast.expr]:
    """The decorators that the notebook itself defined: what they did to a definition that they gave back is live on
    it, or in what they registered it with, as with pandas' `register_dataframe_accessor`."""
    return [d for d in decorators if not _is_kept(known, d)]


def _is_kept(known: Bindings, decorator: ast.expr) -> bool:
    if isinstance(known.namespace.get(_root(decorator)), ABCMeta):
        return isinstance(decorator, ast.Attribute) and decorator.attr == "register"
    return _is_installed(known, _root(decorator)) and "_accessor(" not in ast.unparse(decorator)


def _root(decorator: ast.expr) -> str:
    node = decorator
    while not isinstance(node, ast.Name):
        node = getattr(node, "func", None) or getattr(node, "value", None) or ast.Name("")
    return node.id


def _is_installed(known: Bindings, root: str) -> bool:
    value = known.namespace.get(root)
    if root not in known.namespace or isinstance(value, ModuleType):
        return True
    return callable(value) and hasattr(value, "__qualname__") and not known.is_ours(value)


def decorated(known: Bindings, name: str, value: Any) -> tuple[FunctionType, Text] | None:
    """The function inside the wrappers `value`, and its text with the decorators that make them again; None where
    they would make something else, or were put around it by hand."""
    links, function = _links(known, name, value)
    text = function_text(function, known.session) if function else None
    if function is None or text is None or not links or len(links) != len(text.decorators):
        return None
    constants = {repr(n.value) for d in text.decorators for n in ast.walk(d) if isinstance(n, ast.Constant)}
    inside = [id(link) for link in links] + [id(function)]
    calls = zip(links, text.decorators, strict=True)
    if all(_is_faithful(known, link, decorator, inside, constants) for link, decorator in calls):
        return function, text
    return None


def changed_methods(known: Bindings, cls: type, text: Text) -> list[str]:
    """The methods whose decorators, run again by the text of the class, would give something else than is live."""
    methods = [n for n in text.node.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = []
    for node in methods:
        live = vars(cls).get(node.name)
        live = getattr(live, "__func__", getattr(live, "fget", live))
        decorators = [d for d in node.decorator_list if _root(d) not in _OF_CLASSES]
        if of_the_notebook(known, decorators):
            links, function = _links(known, node.name, live)
            inside = [id(link) for link in links] + [id(function)]
            constants = {repr(n.value) for d in decorators for n in ast.walk(d) if isinstance(n, ast.Constant)}
            same = len(links) == len(decorators) and all(
                _is_faithful(known, link, decorator, inside, constants)
                for link, decorator in zip(links, decorators, strict=True)
            )
            found += [] if same or links == [] else [node.name]
    return found


def _links(known: Bindings, name: str, value: Any) -> tuple[list[Any], FunctionType | None]:
    """The wrappers from the outermost on, and the function that they stand around."""
    links: list[Any] = []
    while len(links) < 20:
        if isinstance(value, FunctionType) and known.runs_here(value) and "<locals>" not in value.__code__.co_qualname:
            return links, value
        links.append(value)
        inner = getattr(value, "__wrapped__", None) or next(_held(value, name), None)
        if inner is None:
            return links, None
        value = inner
    return links, None


def _held(wrapper: Any, name: str) -> Iterator[Any]:
    """The functions in the closure of a wrapper that was made without functools.wraps."""
    for cell in getattr(wrapper, "__closure__", None) or ():
        try:
            held = cell.cell_contents
        except ValueError:
            continue
        if callable(held) and (getattr(held, "__name__", "") == name or getattr(held, "__closure__", None)):
            yield held


def _is_faithful(known: Bindings, link: Any, decorator: ast.expr, inside: list[int], constants: set[str]) -> bool:
    """Whether a decorator, called again, gives the wrapper as it is live: of the notebook's own, one that keeps nothing
    but what it wraps and constants of its call."""
    if not isinstance(link, FunctionType) or not known.runs_here(link):
        return _is_installed(known, _root(decorator)) and not _takes_names(known, decorator)
    maker = known.namespace.get(link.__code__.co_qualname.partition(".")[0])
    copied = getattr(getattr(link, "__wrapped__", None), "__dict__", {})
    own = {key for key, value in vars(link).items() if key != "__wrapped__" and copied.get(key) is not value}
    if link.__defaults__ or link.__kwdefaults__ or own or not _makes(maker, link):
        return False
    if _root(decorator) != link.__code__.co_qualname.partition(".")[0] or _takes_names(known, decorator):
        return False
    for cell in link.__closure__ or ():
        try:
            held = cell.cell_contents
        except ValueError:
            return False
        if id(held) not in inside and not (is_immutable(held) and literal(held) and repr(held) in constants):
            return False
    return True


def _takes_names(known: Bindings, decorator: ast.expr) -> bool:
    """Whether a decorator is called with what could have changed since."""
    arguments = [*getattr(decorator, "args", ()), *(k.value for k in getattr(decorator, "keywords", ()))]
    names = (n.id for a in arguments for n in ast.walk(a) if isinstance(n, ast.Name))
    return any(not _is_installed(known, name) for name in names)


def _makes(maker: Any, link: FunctionType) -> bool:
    maker = unwrapped(maker) if callable(maker) else None
    if not isinstance(maker, FunctionType):
        return False
    return any(same_code(link.__code__, code) for code in inner_code(maker.__code__))


def call(value: Any, refer: Callable[[str, Any], str]) -> str | None:
    """The expression of the decorator that was put around a function by hand: `functools.lru_cache(maxsize=8)`."""
    if is_dispatching(value):
        return f"{refer('functools', functools)}.singledispatch"
    if isinstance(value, Cached):
        said = value.cache_parameters()
        return f"{refer('functools', functools)}.lru_cache(maxsize={said['maxsize']}, typed={said['typed']})"
    return None


def is_dispatching(value: Any) -> bool:
    """Whether `functools.singledispatch` made it."""
    return isinstance(getattr(value, "registry", None), Mapping) and hasattr(value, "dispatch")
