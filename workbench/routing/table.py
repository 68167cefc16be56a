"""Which version answers which request: shares of the traffic, the same one for the same key where that is asked for."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate

from .bandit import POLICIES, Earned, choose

_ALL = 100.0
_BITS = 64
_SHADOW, _SHARES = "shadow", "shares"
_COLUMN = "column:"
MOST = 8
"""Versions of one table."""


@dataclass(frozen=True)
class Table:
    """The `ref` of what is live and, during a rollout, `others` beside it, each with its share in percent; the live one
    has the rest.

    `sticky` is the header whose values are keys, or `column:` and the column of the rows that holds them: all requests
    of one key meet the same version, and keep it while its share grows. `how` is `shares`, or `shadow`, whose version
    only gets a copy of what is asked and answers nobody, or a policy that goes by what each version has earned.
    `number` tells this table from those before it: it is when it was made, in microseconds since 1970.
    """

    ref: str
    others: tuple[tuple[str, float], ...] = ()
    sticky: str = ""
    number: int = 0
    how: str = _SHARES

    def __str__(self) -> str:
        if not self.others:
            return self.ref
        shares = ",".join(f"{ref}={share:g}" for ref, share in self.others)
        return f"{self.ref} {shares} {self.how} {self.number} {self.sticky}".rstrip()

    @classmethod
    def parse(cls, said: str) -> Table:
        """The table that was written as `said`."""
        ref, *rest = said.split(" ", 4)
        if not rest:
            return cls(ref)
        shares, how, number, *sticky = rest
        others = tuple((one.partition("=")[0], float(one.partition("=")[2])) for one in shares.split(","))
        return cls(ref, others, "".join(sticky), int(number), how)

    @classmethod
    def shadowed(cls, ref: str, shadow: str, number: int) -> Table:
        """One whose second version is the shadow of the first."""
        return cls(ref, ((shadow, 0.0),), number=number, how=_SHADOW)

    @property
    def shadow(self) -> bool:
        """Whether the version beside the live one answers nobody."""
        return self.how == _SHADOW

    @property
    def bandit(self) -> bool:
        """Whether the shares go by what each version has earned."""
        return self.how in POLICIES

    @property
    def beside(self) -> str:
        """The first version beside the live one; empty where there is none."""
        return self.others[0][0] if self.others else ""

    @property
    def share(self) -> float:
        """The share of that one."""
        return self.others[0][1] if self.others else 0.0

    @property
    def column(self) -> str:
        """The column whose values are keys, if it is one."""
        return self.sticky.removeprefix(_COLUMN) if self.sticky.startswith(_COLUMN) else ""

    @property
    def header(self) -> str:
        """The header whose values are keys, if it is one."""
        return "" if self.column else self.sticky

    @property
    def refs(self) -> tuple[str, ...]:
        """The versions that it names, the live one first."""
        return (self.ref, *(ref for ref, _ in self.others))

    @property
    def answering(self) -> tuple[str, ...]:
        """Those of them that answer: all but a shadow."""
        return self.refs[:1] if self.shadow else self.refs

    @property
    def shares(self) -> dict[str, float]:
        """The share of each, in percent."""
        rest = _ALL - sum(share for _, share in self.others)
        return {self.ref: rest, **dict(self.others)}

    def pick(self, key: bytes | None, earned: Mapping[str, Earned]) -> int:
        """Which of `refs` a request with this key, or with none, is for."""
        if self.bandit:
            return choose(self.how, [earned.get(ref, Earned()) for ref in self.refs])
        return self._at(random.random() if not self.sticky or key is None else _place(key))  # noqa: S311 no secret

    def fixed(self, name: bytes) -> int:
        """Which of `refs` what is called so is for: the same one whenever that is asked."""
        return self._at(_place(name))

    def _at(self, place: float) -> int:
        bounds = accumulate(share for _, share in self.others)
        return next((i for i, bound in enumerate(bounds, 1) if place * _ALL < bound), 0)


def sticky_by(column: str) -> str:
    """How a table says that the values of a column are keys."""
    return _COLUMN + column


def _place(key: bytes) -> float:
    """Where a key stands between 0 and 1."""
    return int.from_bytes(blake2b(key, digest_size=_BITS // 8).digest()) / 2.0**_BITS
