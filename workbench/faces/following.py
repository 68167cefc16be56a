"""Which cards are seen -> a look at each of them about once a second, and what is new of them told to who sees it.

A thread of its own looks, so that neither the kernel waits for it nor it for the kernel; it ends when nobody sees a
card any more, or when those who saw one have not been heard of for a while.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..cards.card import html
from ..cards.markup import el, escape
from ..errors import NotFound, WorkbenchError

if TYPE_CHECKING:
    from ..cards.card import Card, Parts

EVERY = 1.0
LEASE = 60.0
_MOST_KEPT = 500


class Following:
    """The cards of one kernel, which `hub` names; `send` tells all browsers that show its notebook."""

    def __init__(self, send: Callable[[dict[str, Any]], None], hub: str) -> None:
        self._send, self.hub = send, hub
        self._lock = threading.RLock()
        self._cards: dict[str, Card] = {}
        self._told: dict[str, Parts] = {}
        self._watched: dict[str, tuple[float, frozenset[str]]] = {}
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, card: Card) -> None:
        """A card that was shown; one of the same name goes on in it."""
        with self._lock:
            if (before := self._cards.pop(card.name, None)) and type(before) is type(card):
                card.goes_on(before)
            self._cards[card.name] = card
            for name in list(self._cards)[:-_MOST_KEPT]:
                del self._cards[name]

    def insist(self, names: frozenset[str]) -> None:
        """Look at these cards whoever sees them: while the kernel works it may not hear of it."""
        self._watch("", names, math.inf)

    def hear(self, said: dict[str, Any]) -> None:
        """An order of a browser: what it sees, or what was pressed; that it was heard is said at once."""
        client = str(said.get("client", ""))
        self._send({"heard": said.get("number"), "client": client})
        if said.get("do") == "watch":
            self._watch(client, frozenset(map(str, said.get("names") or ())), time.monotonic())
        elif said.get("do") == "press":
            threading.Thread(target=self._press, args=(client, said), daemon=True).start()

    @property
    def looks(self) -> bool:
        """Whether anybody sees a card."""
        return self._thread is not None

    def _watch(self, client: str, names: frozenset[str], at: float) -> None:
        with self._lock:
            known = self._watched.get(client, (0.0, frozenset[str]()))[1]
            for name in names - known:  # whoever comes to it has not heard the rest
                self._told.pop(name, None)
            self._watched[client] = at, names
            if names and self._thread is None:
                self._thread = threading.Thread(target=self._follow, name="workbench cards", daemon=True)
                self._thread.start()
        self._woken.set()

    def _follow(self) -> None:
        while names := self._seen():
            for name in names:
                self.tell(name)
            self._woken.wait(EVERY)
            self._woken.clear()

    def _seen(self) -> list[str]:
        """The cards that somebody sees; with none left the thread is over."""
        oldest = time.monotonic() - LEASE
        with self._lock:
            self._watched = {c: (at, names) for c, (at, names) in self._watched.items() if names and at > oldest}
            found = sorted({name for _, names in self._watched.values() for name in names} & self._cards.keys())
            if not found:
                self._thread = None
            return found

    def tell(self, name: str) -> None:
        """Look at a card, and tell what is new of it."""
        with self._lock:
            if (card := self._cards.get(name)) is None:
                return
            parts = looked(card)
            told = self._told.setdefault(name, {})
            new = {part: inside for part, inside in parts.items() if told.get(part) != inside}
            told |= new
        if new:
            self._send({"card": name, "parts": new})

    def _press(self, client: str, said: dict[str, Any]) -> None:
        name = str(said.get("name", ""))
        with self._lock:
            card = self._cards.get(name)
        if card is None:
            parts: Parts = {"said": "This card is of an earlier kernel: run its cell again."}
        else:
            parts = dict(_pressed(card, str(said.get("press", "")), said.get("args") or {}))
        told = {"open": parts.pop("open")} if "open" in parts else {}
        shown = {part: self._shown(inside) for part, inside in parts.items()}
        self._send({"card": name, "client": client, "parts": shown, **told})
        self.tell(name)

    def _shown(self, part: str | list[Card]) -> str:
        """HTML as it is; cards as cards within the card, which are followed as well."""
        if isinstance(part, str):
            return part
        for card in part:
            self.put(card)
        return "".join(html(card.name, looked(card), self.hub, styled=False) for card in part)


def looked(card: Card) -> Parts:
    """The parts of a card as they are now; one that was removed, or cannot be drawn, says so."""
    try:
        return card.look()
    except NotFound:
        gone = el("span", "removed", cls="wb-state wb-stopped wb-removed")
        title = el("div", el("b", escape(card.name), cls="wb-name"), gone, cls="wb-title")
        return {"head": title, "rows": "", "figures": "", "route": "", "buttons": ""}
    except Exception as error:  # noqa: BLE001 one card that cannot be drawn is no reason to draw none
        return {"said": _wrong(error)}


def _pressed(card: Card, do: str, args: dict[str, Any]) -> Parts:
    try:
        return card.press(do, **args)
    except Exception as error:  # noqa: BLE001 whatever came of it is said where it was pressed
        return {"said": _wrong(error)}


def _wrong(error: Exception) -> str:
    told = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
    return el("span", escape(told).replace("\n", "<br>"), cls="wb-bad", role="alert")
