"""Source of a bundle -> its code, which reads the names that its modules had in the notebook: `__main__`, `helper`.

`__name__` and `X.__module__` would say `wb_<id>` otherwise. Where they lead to the module itself, in
`sys.modules[__name__]` or `import_module(f"{__name__}.part")`, they stay what they are in this process.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from types import CodeType
from typing import Any

_LEAD_TO_MODULES = {
    *("import_module", "reload", "find_spec", "import_string", "getmembers", "attach", "lazy_import"),
    *("files", "get_data", "open_text", "open_binary", "read_text", "read_binary", "contents", "is_resource"),
    *("resource_filename", "resource_string", "resource_stream", "resource_exists", "iter_modules", "walk_packages"),
    *("Flask", "Blueprint", "PackageLoader"),
}
"""Functions that look a module up by the name that they are given."""


def compiled(source: bytes, path: str, name: str) -> CodeType:
    """The code of a module that was called `name`. What it raises for its source is what Python raises."""
    return compile(_OwnNames(name).visit(ast.parse(source, path)), path, "exec", dont_inherit=True)


def home(package: str, value: Any, *default: Any) -> Any:
    """`value.__module__`, as it was in the notebook of the bundle whose package this is."""
    module = getattr(value, "__module__", *default)
    if not isinstance(module, str) or module.partition(".")[0] != package:
        return module
    return module.removeprefix(package).removeprefix(".") or "__main__"


def shown(package: str, how: Callable[[Any], str], value: Any) -> str:
    """`str` or `repr` of a class, as it was in that notebook: `<class '__main__.Late'>`."""
    return how(value).replace(str(value.__module__), str(home(package, value)))


class _OwnNames(ast.NodeTransformer):
    def __init__(self, name: str) -> None:
        self._name = name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        own = node.id == "__name__" and isinstance(node.ctx, ast.Load)
        return ast.copy_location(ast.Constant(self._name), node) if own else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        asked = node.attr == "__module__" and isinstance(node.ctx, ast.Load)
        return _asked(node, node.value) if asked else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if called in _LEAD_TO_MODULES:
            return node
        self.generic_visit(node)
        if called in ("str", "repr") and len(node.args) == 1 and _is_of_class(node.args[0]):
            return _call(node, "__shown__", node.func, node.args[0])
        of_module = len(node.args) > 1 and isinstance(node.args[1], ast.Constant) and node.args[1].value == "__module__"
        return _asked(node, node.args[0], *node.args[2:]) if called == "getattr" and of_module else node

    def visit_FormattedValue(self, node: ast.FormattedValue) -> ast.expr:
        self.generic_visit(node)
        if _is_of_class(node.value):
            how = ast.Name("repr" if node.conversion == ord("r") else "str", ast.Load())
            node.value, node.conversion = _call(node, "__shown__", how, node.value), -1
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        if getattr(node.value, "attr", "") == "modules":
            return node
        key = getattr(node.slice, "value", None)
        if key == "__name__" and isinstance(node.value, ast.Call) and getattr(node.value.func, "id", "") == "globals":
            return ast.copy_location(ast.Constant(self._name), node)
        return self.generic_visit(node)  # type: ignore[return-value]

    def visit_Assign(self, node: ast.Assign) -> ast.stmt:
        if any(getattr(target, "attr", "") == "__module__" for target in node.targets):
            return node
        return self.generic_visit(node)  # type: ignore[return-value]


def _asked(node: ast.expr, *arguments: ast.expr) -> ast.expr:
    return _call(node, "__home__", *arguments)


def _is_of_class(node: ast.expr) -> bool:
    """`type(x)`, `x.__class__`."""
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") == "type" and len(node.args) == 1
    return isinstance(node, ast.Attribute) and node.attr == "__class__"


def _call(node: ast.expr, name: str, *arguments: ast.expr) -> ast.expr:
    call = ast.Call(ast.Name(name, ast.Load()), list(arguments), [])
    return ast.fix_missing_locations(ast.copy_location(call, node))
