"""A live class of the notebook, however it was made -> the items of `model.py` that make it."""

from __future__ import annotations

import ast
import collections
import enum
from collections.abc import Iterator
from functools import partial
from types import FunctionType
from typing import Any

from . import factories, refusals, wrapping
from .bindings import Bindings, Refer
from .caches import cached_methods, refuse_a_stale_cache
from .captured import Taken
from .functions import definition, settled
from .item import Item
from .live import class_settings, holds_other_defaults, method_source, other_global, other_value
from .names import uses
from .refusals import other_binding, other_default, rebound, unproven
from .texts import Text, class_text, functions_of


def class_items(known: Bindings, name: str, cls: type) -> list[Item]:
    """The items of a class that the notebook defined, under `name`."""
    for key, method in cached_methods(cls):
        refuse_a_stale_cache(known, f"{name}.{key}", method, since=cls.__name__)
    text = class_text(cls, known.session, live=known.namespace.get(cls.__name__) is cls)
    if text is None:
        return [_made_by_a_call(known, name, cls)]
    for method in functions_of(cls):
        _refuse_other_defaults(known, name, cls, method, text)
        if used := other_global(method, known.namespace):
            raise refusals.other_global(f"{name}.{method.__name__}", used, method.__code__.co_filename)
    if changed := other_value(cls, text.source, known.namespace):
        raise other_default(f"{name}.{changed}", known.place(name), "value")
    text = text.without(wrapping.of_the_notebook(known, text.decorators))
    if "<locals>" in cls.__qualname__:
        return _local_class(known, name, cls, text)
    needs: set[str] = set()
    text = _on_its_bases(known, cls, text, needs)
    unfaithful = wrapping.changed_methods(known, cls, text)
    items = definition(known, name, cls.__name__, text, "class", partial(_settings, known, cls, unfaithful))
    items[0].needs |= needs
    return items


def _refuse_other_defaults(known: Bindings, name: str, cls: type, method: FunctionType, text: Text) -> None:
    """Defaults of plain methods are set again; those inside properties and wrappers cannot be."""
    source = method_source(text.source, method.__name__)
    settable = vars(cls).get(method.__name__) is method
    if source and not settable and holds_other_defaults(method, source, known.namespace):
        raise other_default(f"{name}.{method.__name__}", known.place(name))


def _on_its_bases(known: Bindings, cls: type, text: Text, needs: set[str]) -> Text:
    """The class statement with the bases that the class really has, where their names mean others now."""
    written, live = text.node.bases, vars(cls).get("__orig_bases__", cls.__bases__)
    if len(written) != len(live):
        return text
    source = text.source
    for expression, base in reversed(list(zip(written, live, strict=True))):
        if isinstance(expression, ast.Name) and known.namespace.get(expression.id, base) is not base:
            source = factories.replaced(source, expression, known.refer(needs, base.__name__, base))
    return Text(source, text.cell, text.future_annotations)


def _settings(
    known: Bindings, cls: type, changed: list[str], source: str, namespace: Any, refer: Refer
) -> Iterator[str]:
    yield from class_settings(cls.__name__, cls, source, namespace, refer)
    for key in changed:
        known.make(f"{cls.__name__}_{key}", vars(cls)[key])  # else it would be found as the attribute itself
        yield f"{cls.__name__}.{key} = {refer('', vars(cls)[key])}"


def _local_class(known: Bindings, name: str, cls: type, text: Text) -> list[Item]:
    """The class out of a factory with what its methods close over."""
    own = cls.__name__
    closed = factories.variables(known, cls, own)
    for expression, base in zip(text.node.bases, cls.__bases__, strict=False):
        if isinstance(expression, ast.Name) and known.namespace.get(expression.id) is not base:
            closed.given.setdefault(expression.id, base)
    for key in factories.unknown_names(known, text, closed):
        raise other_binding(key, known.place(name))
    given = {**closed.given, **closed.late}
    body = factories.factory(text, own, given, closed.empty)
    maker_name, source = known.maker(own, body)
    factories.check_class(name, cls, text, source, given, known.place(name))
    maker = known.item(maker_name, source, text, "factory")
    needs = {maker_name}
    refer = known.referring(needs)
    arguments = ", ".join(refer(f"{name}_{key}", value) for key, value in given.items())
    taken = Taken(name, "class", known.label(name, text))
    statement = f"{name} = {maker_name}({arguments}){known.own_place(name, cls)}"
    made = Item(name, statement, taken, needs=needs)
    return [maker, *settled(known, made, name, partial(class_settings, name, cls, text.source, known.namespace))]


def _made_by_a_call(known: Bindings, name: str, cls: Any) -> Item:
    """A class without a class statement: a named tuple or an enum by its parts, any other by the call that made it."""
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return _named_tuple(known, name, cls)
    if issubclass(cls, enum.Enum):
        return _enum(known, name, cls)
    return called(known, name, cls) or _no_text(known, name, cls)


def _no_text(known: Bindings, name: str, cls: type) -> Item:
    if known.namespace.get(cls.__name__) is not cls and "<locals>" not in cls.__qualname__:
        raise other_binding(cls.__name__, known.place(name) or known.place(cls.__name__))
    raise unproven(name, "class", known.place(name))


def called(known: Bindings, name: str, value: Any) -> Item | None:
    """The assignment of a call that made `value`, which only that call can make again: `T = TypeVar("T")`."""
    found = known.statement(name)
    if found is None:
        return None
    source, cell = found
    used = uses(source)
    if changed := known.rebound_since(name, set(used.all) & set(known.namespace)):
        raise rebound(name, changed, known.place(name))
    return known.item(name, source, Text(source, cell), "class" if isinstance(value, type) else "value")


def _named_tuple(known: Bindings, name: str, cls: Any) -> Item:
    needs: set[str] = set()
    refer = known.referring(needs)
    defaults = [refer(f"{name}_default", value) for value in cls._field_defaults.values()]
    made = f"{cls.__name__!r}, {list(cls._fields)!r}, defaults=[{', '.join(defaults)}]"
    text = f"{name} = {refer('collections', collections)}.namedtuple({made})"
    return Item(name, text, Taken(name, "class", known.cell(name)), needs=needs)


def _enum(known: Bindings, name: str, cls: Any) -> Item:
    needs: set[str] = set()
    refer = known.referring(needs)
    *mixed, base = cls.__bases__
    members = [f"{key!r}: {refer(f'{name}_{key}', member.value)}" for key, member in cls.__members__.items()]
    mixin = f", type={refer(mixed[0].__name__, mixed[0])}" if mixed else ""
    text = f"{name} = {refer(base.__name__, base)}({cls.__name__!r}, {{{', '.join(members)}}}{mixin})"
    return Item(name, text, Taken(name, "class", known.cell(name)), needs=needs)
