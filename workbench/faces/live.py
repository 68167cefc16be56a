"""An answer -> its card, live where a browser shows what this kernel displays: one widget without a view steers all.

A notebook that is executed without a browser gets the card alone: a widget would leave its state in it, and pages made
of it would ask the widgets' host.
"""

from __future__ import annotations

import os
import secrets
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..cards.card import Card
    from .following import Following

_HUB = "_workbench_hub"


def html(answer: Any) -> str:
    """The card of a handle, a version or an overview."""
    from ..cards.kinds import card_of

    return follow(card_of(answer))


def follow(card: Card) -> str:
    """A card as it is now, which the hub of this kernel follows."""
    from ..cards.card import html as page
    from .following import looked

    widget, parts = hub(), looked(card)
    if widget is None:
        return page(card.name, parts)
    widget.following.put(card)
    return page(card.name, parts, widget.hub)


class Shown:
    """A card as a notebook shows it, live, and as text elsewhere."""

    def __init__(self, card: Card) -> None:
        self._card = card

    def __repr__(self) -> str:
        return str(self._card)

    def _repr_html_(self) -> str:
        return follow(self._card)


def hub() -> Any:
    """The widget of this kernel; None where no browser looks, or there are no widgets."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    if shell is None or not hasattr(shell, "kernel") or not browsed(shell.user_ns):
        return None
    if not hasattr(shell, _HUB):
        try:
            setattr(shell, _HUB, _widget()())
        except ImportError:
            setattr(shell, _HUB, None)
    return getattr(shell, _HUB)


def browsed(namespace: Mapping[str, Any]) -> bool:
    """Whether this kernel was started for a browser: by a Jupyter server, Voila or VS Code, which leaves a name in the
    notebook's `namespace`, and not to run a notebook through; `WORKBENCH_LIVE` says yes (1) or no (0)."""
    if said := os.environ.get("WORKBENCH_LIVE"):
        return said != "0"
    voila = os.environ.get("SERVER_SOFTWARE", "").startswith("voila")
    return (
        voila
        or "__vsc_ipynb_file__" in namespace
        or any(os.environ.get(name) for name in ("JPY_SESSION_NAME", "VSCODE_PID", "VSCODE_CWD"))
    )


def _kernel() -> str:
    """The id under which a Jupyter server has this kernel."""
    from ipykernel.connect import get_connection_file

    return str(get_connection_file()).rpartition("kernel-")[2].removesuffix(".json")


@cache
def _widget() -> Any:
    """The class of the widget: made when the first card is shown, since widgets take long to import."""
    import anywidget
    import traitlets

    from ..cards import card
    from .following import Following

    class Hub(anywidget.AnyWidget):  # type: ignore[misc, unused-ignore]
        """What all cards of a kernel speak through; it is shown nowhere."""

        _esm = card.script()
        hub = traitlets.Unicode().tag(sync=True)
        kernel = traitlets.Unicode().tag(sync=True)

        def __init__(self) -> None:
            name = secrets.token_hex(6)
            self.following: Following = Following(self.send, name)
            super().__init__(hub=name, kernel=_kernel())
            self.on_msg(lambda _, said, __: self.following.hear(said))
            _hear_where_asked(self.comm)

    return Hub


def _hear_where_asked(comm: Any) -> None:
    """Let orders come to the subshell that a browser sends them to: ipykernel 7.4 leads them to where the last message
    came from, which is the main shell, and that hears nothing while a cell runs."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _, asked: asked
