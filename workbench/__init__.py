"""Workbench: one model, as a notebook cell defines it, to wherever its predictions are used.

Each verb of `workbench.specs` is a function here: `workbench.predict("churn", X)`. All names are made when
they are first asked for; importing the package loads neither pandas nor IPython.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

from .errors import WorkbenchError
from .specs.verbs import VERBS

_VERBS = {verb.function for verb in VERBS} | {"client", "form", "get", "register", "result"}

__all__ = ["Workbench", "WorkbenchError", "__version__", *sorted(_VERBS)]  # noqa: PLE0604 (names of verbs)


def __getattr__(name: str) -> Any:
    if name in _VERBS:
        from .faces.functions import function

        return function(name)
    if name == "Workbench":
        from .api import Workbench

        return Workbench
    if name == "__version__":
        from importlib.metadata import version

        return version("deployment-workbench")
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, "specs"})


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext workbench`."""
    from .faces.magics import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext workbench`."""
    from .faces.magics import unload

    unload(shell)


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "workbench.faces.labserver"}]
