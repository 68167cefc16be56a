"""A live function of the notebook, as it is or inside its decorators -> the items of `model.py` that make it."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import FunctionType
from typing import Any

from . import factories, refusals, wrapping
from .bindings import Bindings, Refer
from .caches import refuse_a_stale_cache
from .captured import Taken
from .item import Item
from .live import function_settings, holds_other_defaults, other_global
from .refusals import other_default, unproven, wrapped
from .texts import Text, function_text, unwrapped

Settings = Callable[[str, Mapping[str, Any], Refer], Iterator[str]]


def function_items(known: Bindings, name: str, value: Any) -> list[Item] | None:
    """The items of a function that the notebook defined, under `name`; None for any other value."""
    if not callable(value) or isinstance(value, type):
        return None
    if isinstance(value, FunctionType) and known.runs_here(value):
        return _own(known, name, value)
    inner = unwrapped(value)
    if inner is value or not isinstance(inner, FunctionType) or not known.runs_here(inner):
        return None
    if known.is_ours(type(value)):
        return None
    return _inside_a_librarys(known, name, value)


def _own(known: Bindings, name: str, function: FunctionType) -> list[Item]:
    code = function.__code__
    if used := other_global(function, known.namespace):
        raise refusals.other_global(name, used, code.co_filename)
    text = function_text(function, known.session)
    if (set(code.co_freevars) - {"__class__"}) or "<locals>" in code.co_qualname:
        if decorated := wrapping.decorated(known, name, function):
            return _as_written(known, name, *decorated)
        return _closure(known, name, function, text)
    if text is None:
        raise unproven(name, "function", known.place(name), by_text=code.co_filename.startswith("<string"))
    inside = name in known.made
    text = text.without(text.decorators if inside else wrapping.of_the_notebook(known, text.decorators))
    text = factories.plain_header(text, factories.unknown_names(known, text, factories.Closed()))
    if code.co_name == "<lambda>":
        return _lambda(known, name, function, text)
    settings = partial(function_settings, code.co_name, function)
    return definition(known, name, code.co_name, text, "function", settings)


def _lambda(known: Bindings, name: str, function: FunctionType, text: Text) -> list[Item]:
    item = known.item(name, f"{name} = {_one_statement(text.source)}", text, "function")
    settings = partial(function_settings, name, function, text.source, known.namespace)
    return settled(known, item, name, settings)


def _one_statement(source: str) -> str:
    return f"({source})" if "\n" in source else source


def _as_written(known: Bindings, name: str, function: FunctionType, text: Text) -> list[Item]:
    """The definition with its decorators, which give again what is live."""
    if holds_other_defaults(function, text.source, known.namespace):
        raise other_default(name, known.place(name))
    return definition(known, name, function.__code__.co_name, text, "function", lambda *_: iter(()))


def _closure(known: Bindings, name: str, function: FunctionType, text: Text | None) -> list[Item]:
    """The function out of a factory with what it closes over."""
    if text is None:
        raise unproven(name, "function", known.place(name))
    own = function.__code__.co_name
    text = text.without(text.decorators)
    closed = factories.variables(known, function, own)
    unknown = factories.unknown_names(known, text, closed)
    text = factories.plain_header(text, unknown)
    parameters = [*closed.given, *closed.late, *closed.shared, *unknown]
    maker = _maker(known, own, factories.factory(text, own, parameters, closed.empty), text)
    factories.check(name, function, maker.text, known.place(name))
    needs = {maker.name}
    refer = known.referring(needs)
    given = [refer(f"{name}_{key}", value) for key, value in closed.given.items()]
    source = f"{name} = {maker.name}({', '.join([*given, *['None'] * (len(parameters) - len(given))])})"
    if closed.shared:
        needs |= {expression.partition(".")[0] for expression in closed.shared.values()}
        source += f"\n{name} = {_over_cells(name, function, closed.shared, refer('types', types))}"
    source += known.own_place(name, function)
    factories.own_cells(known, name, function)
    made = Item(name, source, Taken(name, "function", known.label(name, text)), needs=needs)
    settings = partial(function_settings, name, function, text.source, known.namespace)
    late = [_late(known, name, function, key, value) for key, value in closed.late.items()]
    return [maker, *settled(known, made, name, settings), *late]


def _maker(known: Bindings, own: str, body: str, text: Text) -> Item:
    name, source = known.maker("function" if own == "<lambda>" else own, body)
    return known.item(name, source, text, "factory")


def _over_cells(name: str, function: FunctionType, shared: dict[str, str], types_: str) -> str:
    """The same function over the cells of others, where they or it change them."""
    own = (f"{name}.__closure__[{i}]" for i in range(len(function.__code__.co_freevars)))
    cells = [shared.get(key, mine) for key, mine in zip(function.__code__.co_freevars, own, strict=True)]
    arguments = f"{name}.__code__, globals(), {name}.__name__, {name}.__defaults__, ({', '.join(cells)},)"
    return f"{types_}.FunctionType({arguments})"


def _late(known: Bindings, name: str, function: FunctionType, key: str, value: Any) -> Item:
    """What closes over `name` itself is put into its cell once both are there."""
    needs = {name}
    expression = known.refer(needs, f"{name}_{key}", value)
    cell = f"{name}.__closure__[{function.__code__.co_freevars.index(key)}]"
    taken = Taken(f"{key} of {name}", "factory", known.cell(name))
    return Item(cell, f"{cell}.cell_contents = {expression}", taken, needs=needs)


def definition(known: Bindings, name: str, own_name: str, text: Text, kind: Any, settings: Settings) -> list[Item]:
    """The text of a definition, what is set on it since, and its other name where it has one."""
    if own_name != name and name not in known.made and known.namespace.get(own_name) is known.namespace[name]:
        return [Item(name, f"{name} = {own_name}", Taken(name, kind, known.cell(name)), needs={own_name})]
    item = known.item(name, text.source, text, kind)
    items = settled(known, item, own_name, partial(settings, text.source, known.namespace))
    if own_name != name:
        item.text += f"\n\n\n{name} = {own_name}"
    item.needs -= {own_name, name}
    item.rebinds = own_name if own_name != name else ""
    return items


def settled(known: Bindings, item: Item, own_name: str, settings: Callable[[Refer], Iterator[str]]) -> list[Item]:
    """An item with what is set on its object: plain values in its text, what needs other names in items of its own."""
    needs: set[str] = set()
    late = []
    for line in settings(known.referring(needs)):
        if not needs:
            item.text += f"\n{line}"
            continue
        line = f"{item.name}{line.removeprefix(own_name)}"
        target = line.partition(" = ")[0]
        late.append(Item(target, line, Taken(target, "factory", item.taken.cell), needs={*needs, item.name}))
        needs.clear()
    return [item, *late]


def _inside_a_librarys(known: Bindings, name: str, value: Any) -> list[Item] | None:
    """What an installed decorator made of a function: as it is written, or wrapped again as it was by hand."""
    refuse_a_stale_cache(known, name, value)
    registered = list(_registered(known, name, value))
    if decorated := wrapping.decorated(known, name, value):
        return [*_as_written(known, name, *decorated), *registered]
    needs: set[str] = set()
    inner = known.refer(needs, name, value.__wrapped__)
    refer = known.referring(needs)
    if call := wrapping.call(value, refer):
        item = Item(name, f"{name} = {call}({inner})", Taken(name, "function", known.cell(name)), needs=needs)
        return [item, *registered]
    if isinstance(value, FunctionType):
        raise wrapped(name, known.place(name))
    return None


def _registered(known: Bindings, name: str, value: Any) -> Iterator[Item]:
    """The functions that a `singledispatch` one chooses from beside its own."""
    if not wrapping.is_dispatching(value):
        return
    for kind, function in value.registry.items():
        if function is not value.__wrapped__:
            needs = {name}
            refer = known.referring(needs)
            text = f"{name}.register({refer(kind.__name__, kind)}, {refer(f'{name}_{kind.__name__}', function)})"
            taken = Taken(f"{name} of {kind.__name__}", "factory", known.cell(name))
            yield Item(f"{name}.{kind.__name__}", text, taken, needs=needs)
