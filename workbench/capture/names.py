"""The global names that a piece of source looks up, and when: while it runs, or when it is called later."""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeGuard

_OUTSIDE = re.compile(
    r"(^|\.)(os\.(environ|getenv|getcwd|getpid|urandom)|time\.time(_ns)?|(date|datetime|Timestamp)\.(now|today|utcnow)"
    r"|Path\.(cwd|home)|sys\.argv|uuid\.uuid[14]|socket\.gethostname|platform\.node|getpass\.getuser)$"
)
_CHANCE = re.compile(
    r"(^|\.)random\.(random|random_sample|rand\w*|uniform|normal\w*|gauss|choices?|sample|shuffle|permutation"
    r"|binomial|poisson|exponential|beta|gamma|getrandbits|standard_normal)$"
)
"""What takes from the generators that a whole process shares; after `random.seed` it is no chance any more."""
_OUTSIDE_NAMES = {"open", "getenv", "environ", "eval", "globals", "input", "getcwd"}
_COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}


@dataclass(frozen=True)
class Uses:
    """`now`: looked up while the statement runs; `later`: when its functions are called;
    `chains`: the dotted paths read from each name, `{"sklearn": {"sklearn.linear_model.Ridge"}}`;
    `strings`: names that may be read, by `df.query("age > @LIMIT")`, `globals()["LIMIT"]` or after `global`; `outside`:
    what is read of the world around, `os.environ`, `open`, `date.today`, which no capture can hold."""

    now: frozenset[str]
    later: frozenset[str]
    chains: dict[str, set[str]] = field(default_factory=dict)
    strings: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()

    @property
    def all(self) -> frozenset[str]:
        return self.now | self.later


def uses(text: str, *, future_annotations: bool = False) -> Uses:
    """The global names that the statements of `text` use, by Python's own scoping rules."""
    prefix = "from __future__ import annotations\n" if future_annotations else ""
    now: set[str] = set()
    later: set[str] = set()
    _collect(symtable.symtable(prefix + text, "<captured>", "exec"), now, later, deferred=False)
    tree = ast.parse(text)
    paths = chains(tree)
    dotted = set(_dotted_outside({path for of_one in paths.values() for path in of_one}))
    outside = dotted | ((now | later) & _OUTSIDE_NAMES)
    return Uses(frozenset(now), frozenset(later - now), paths, frozenset(_in_strings(tree)), frozenset(outside))


def _dotted_outside(paths: set[str]) -> Iterator[str]:
    seeded = any(path.endswith("random.seed") for path in paths)
    yield from (path for path in paths if _OUTSIDE.search(path) or (_CHANCE.search(path) and not seeded))


def _collect(scope: symtable.SymbolTable, now: set[str], later: set[str], *, deferred: bool) -> None:
    found = later if deferred else now
    top = scope.get_type() == "module"
    for symbol in scope.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global() or _class_lookup(scope, symbol)):
            found.add(symbol.get_name())
    for child in scope.get_children():
        runs_later = child.get_type() == "function" and child.get_name() not in _COMPREHENSIONS
        _collect(child, now, later, deferred=deferred or runs_later)
    if top:
        found -= {s.get_name() for s in scope.get_symbols() if s.is_assigned() and not _read_first(scope, s)}


def _class_lookup(scope: symtable.SymbolTable, symbol: symtable.Symbol) -> bool:
    """A class body that only reads a name falls through to the globals."""
    return scope.get_type() == "class" and not symbol.is_assigned() and not symbol.is_free()


def _read_first(scope: symtable.SymbolTable, symbol: symtable.Symbol) -> bool:
    """A name that a single statement both binds and reads: only a def, class or import binds before it reads."""
    return not (symbol.is_namespace() or symbol.is_imported())


def chains(tree: ast.AST) -> dict[str, set[str]]:
    """The dotted paths of `tree` by their first name: `a.b.c` gives `{"a": {"a.b.c", "a.b"}}`."""
    found: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (path := _dotted(node)):
            found.setdefault(path.split(".")[0], set()).add(path)
    return found


def _in_strings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield from node.names  # `TOTAL += 1` reads it, which the symbol table does not say
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("query", "eval"):
            for argument in ast.walk(node):
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield from re.findall(r"@([A-Za-z_]\w*)", argument.value)
        if (key := _key_of_globals(node)) and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value


def evaluated(tree: ast.AST, namespace: Mapping[str, Any]) -> set[str]:
    """The names in the strings that `eval` and `exec` are given, as text or under a name, and frames under a name."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("query", "eval"):
            given = [namespace.get(n.id) for n in ast.walk(node) if _is_name(n)]
            found |= {name for text in given if isinstance(text, str) for name in re.findall(r"@([A-Za-z_]\w*)", text)}
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("eval", "exec") and node.args:
            for text in _texts(node.args[0], namespace):
                with suppress(SyntaxError):
                    found |= {n.id for n in ast.walk(ast.parse(text)) if _is_name(n)}
    return found


def _texts(given: ast.expr, namespace: Mapping[str, Any]) -> list[str]:
    """A text as it is written, or those under the name that it is looked up by: `RULES["a"]`."""
    if isinstance(given, ast.Constant):
        return [given.value] if isinstance(given.value, str) else []
    while isinstance(given, ast.Subscript):
        given = given.value
    held = namespace.get(getattr(given, "id", ""))
    parts = held.values() if isinstance(held, dict) else held if isinstance(held, list | tuple) else (held,)
    return [part for part in parts if isinstance(part, str)]


def unknown_global(tree: ast.AST) -> int | None:
    """The line of a look-up in `globals()` whose name is not written there."""
    keys = ((node, _key_of_globals(node)) for node in ast.walk(tree))
    return next((node.lineno for node, key in keys if key and not isinstance(key, ast.Constant)), None)  # type: ignore[attr-defined]


def reads_main(tree: ast.AST) -> int | None:
    """The line that reaches for the notebook by its module: `__main__.f`, `sys.modules["__main__"]`."""
    return next((node.lineno for node in ast.walk(tree) if _is_of_main(node)), None)  # type: ignore[attr-defined]


def _is_of_main(node: ast.AST) -> bool:
    given = [node.slice] if isinstance(node, ast.Subscript) else node.args if isinstance(node, ast.Call) else []
    if any(isinstance(key, ast.Constant) and key.value == "__main__" for key in given):
        return True
    return getattr(node, "id", "") == "__main__" or (
        isinstance(node, ast.Import) and any(alias.name == "__main__" for alias in node.names)
    )


def _key_of_globals(node: ast.AST) -> ast.expr | None:
    """`x` of `globals()[x]` and `globals().get(x)`."""
    if isinstance(node, ast.Subscript) and _calls_globals(node.value):
        return node.slice
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _calls_globals(node.func.value):
        return node.args[0] if node.args and node.func.attr == "get" else node.func
    if isinstance(node, ast.Compare) and _calls_globals(node.comparators[0]):
        return node.left
    return None


def _calls_globals(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "globals"


def _is_name(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _dotted(node: ast.expr) -> str | None:
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


def bound(node: ast.stmt) -> set[str]:
    """The names that a statement binds in its own scope."""
    return {
        symbol.get_name()
        for symbol in symtable.symtable(ast.unparse(node), "<captured>", "exec").get_symbols()
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
    }
