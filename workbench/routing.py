"""Which version answers which request: shares of the traffic, the same one for the same key where that is asked for."""

from __future__ import annotations

import random
from dataclasses import dataclass
from hashlib import blake2b

_ALL = 100.0
_BITS = 64
_SHADOW = "shadow"


@dataclass(frozen=True)
class Table:
    """The `ref` of what is live and, during a rollout, the version that comes: `beside`, with its `share` in percent.

    `sticky` is the header whose values are keys: all requests of one key meet the same version, and keep it while its
    share grows. With `shadow` it only gets a copy of what is asked, and answers nobody. `number` tells this table from
    those before it.
    """

    ref: str
    beside: str = ""
    share: float = 0.0
    sticky: str = ""
    number: int = 0
    shadow: bool = False

    def __str__(self) -> str:
        if not self.beside:
            return self.ref
        if self.shadow:
            return f"{self.ref} {self.beside} {_SHADOW} {self.number}"
        return f"{self.ref} {self.beside} {self.share:g} {self.number} {self.sticky}".rstrip()

    @classmethod
    def parse(cls, said: str) -> Table:
        """The table that was written as `said`."""
        ref, *rest = said.split(" ")
        if not rest:
            return cls(ref)
        beside, share, number, *sticky = rest
        if share == _SHADOW:
            return cls(ref, beside, number=int(number), shadow=True)
        return cls(ref, beside, float(share), "".join(sticky), int(number))

    @property
    def refs(self) -> tuple[str, ...]:
        """The versions that it names."""
        return (self.ref, self.beside) if self.beside else (self.ref,)

    def takes(self, key: bytes | None) -> bool:
        """Whether a request with this key, or with none, is for the version that comes."""
        if not self.sticky or key is None:
            return random.random() * _ALL < self.share  # noqa: S311 nothing is kept secret by it
        place = int.from_bytes(blake2b(key, digest_size=_BITS // 8).digest())
        return bool(place * _ALL < self.share * 2**_BITS)
