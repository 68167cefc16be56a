"""What stands in modules -> digests by the paths of its parts, to be compared with another process.

A key is a module, `shop.prices`, an object in one, `sklearn.metrics._scorer:_SCORERS`, or nothing for the notebook,
whose classes are told. Below it stand paths: `{"cfg.rate": …, "TABLE['oslo']": …}`; classes and objects of the user and
small dicts are told by part, all else as a whole.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

from .digest import Digester, attributes, class_attributes
from .imports import is_local
from .texts import attribute, parsed

Holdings = Mapping[str, Mapping[str, str]]

_NOTEBOOK, _HOME = "notebook", "~"
_DEEPEST, _MOST = 4, 200


def dotted(modules: Iterable[str]) -> list[str]:
    """`shop/prices.py` -> `shop.prices`."""
    return [name.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for name in modules]


def of_kernel(modules: Mapping[str, Path]) -> Digester:
    """For the notebook's own process, from which these local modules come along."""
    folders = {str(each) for file in modules.values() for each in (file.parent, file.resolve().parent)}
    words = {**dict.fromkeys(folders | {str(Path.cwd())}, _HOME), "__main__": _NOTEBOOK}
    return Digester({*_roots(modules), _NOTEBOOK}, words)


def of_bundle(package: str, folder: Path, modules: Iterable[str]) -> Digester:
    """For a process that has loaded a bundle, in which the notebook is called `package`."""
    roots = _roots(modules)
    own = {f"{package}.{root}": root for root in roots}
    words = {str(folder): _HOME, str(Path.cwd()): _HOME, package: _NOTEBOOK, "__main__": _NOTEBOOK}
    return Digester({*roots, _NOTEBOOK}, {**own, **words})


def _roots(modules: Iterable[str]) -> set[str]:
    return {path.partition(".")[0] for path in dotted(modules)}


def live(modules: Iterable[str]) -> list[str]:
    """The keys of the local modules that this kernel has imported."""
    return [path for path in dotted(modules) if is_local(sys.modules.get(path))]


def classes(names: Iterable[str], space: Mapping[str, Any]) -> dict[str, Any]:
    """The classes among what names are bound to: what is held in one, its text need not say."""
    return {name: space[name] for name in names if isinstance(space.get(name), type)}


def look(keys: Iterable[str], own: Mapping[str, Any], digester: Digester, package: str = "") -> Holdings:
    """What is held under the keys now, and in `own`, classes of the notebook; nothing under a key whose module is not
    there."""
    found = {"": {part: told for name, cls in own.items() for part, told in _of_value(name, cls, digester).items()}}
    for key in filter(None, keys):
        path, _, name = key.partition(":")
        if module := sys.modules.get(path if name or not package else f"{package}.{path}"):
            held = reduce(attribute, name.split("."), module) if name else None
            found[key] = _of_value("", held, digester) if name else of_module(module, digester)
    return found


def roots_of(paths: Iterable[str]) -> list[str]:
    """The names that paths begin with."""
    return sorted({path.partition(".")[0].partition("[")[0] for path in paths})


def of_module(module: ModuleType, digester: Digester) -> dict[str, str]:
    """What a module holds under the names that it does not import."""
    imported = _imported(module)
    found: dict[str, str] = {}
    for name, value in list(vars(module).items()):
        elsewhere = isinstance(value, type | FunctionType) and not digester.is_ours(value)
        if not (name.startswith("__") or name in imported or isinstance(value, ModuleType) or elsewhere):
            found |= _of_value(name, value, digester)
    return found


def _of_value(path: str, value: Any, digester: Digester) -> dict[str, str]:
    found: dict[str, str] = {}
    for part, held in _parts(path, value, digester, [id(value)]):
        try:
            found[part] = digester.of(held)
        except Exception:  # noqa: BLE001, S112 (what cannot be told is not compared)
            continue
    return found


def _parts(path: str, value: Any, digester: Digester, above: list[int]) -> Iterator[tuple[str, Any]]:
    if type(value) is dict and len(value) <= _MOST and len(above) < _DEEPEST:
        inside = [(f"{path}[{digester.text(repr(key))[:60]}]", held) for key, held in value.items()]
    elif isinstance(value, type) and digester.is_ours(value) and len(above) < _DEEPEST:
        inside = [(f"{path}.{name}", held) for name, held in class_attributes(value).items()]
    elif digester.is_ours(type(value)) and attributes(value) and len(above) < _DEEPEST:
        inside = [(f"{path}.{name}", held) for name, held in attributes(value).items()]
    else:
        yield path, value
        return
    kind = value if isinstance(value, type) else type(value)
    yield (
        path,
        [
            f"{kind.__module__}.{kind.__name__}",
            *(base(value) for base in (list, tuple, str) if type(value) is not base and isinstance(value, base)),
        ],
    )
    for part, held in inside:
        if id(held) not in above:
            yield from _parts(part, held, digester, [*above, id(held)])


def _imported(module: ModuleType) -> set[str]:
    """The names that the file of a module imports: they are told where they are at home."""
    try:
        tree = parsed(Path(str(module.__file__)).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return set()
    nodes = (n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom))
    return {(alias.asname or alias.name).partition(".")[0] for node in nodes for alias in node.names}
