"""What conversions raise when a value does not fit; the column and row are added by who knows them."""

from __future__ import annotations


class Unfit(Exception):
    """`reason` follows the value in a sentence: `is missing`, `has a zone`."""

    def __init__(self, reason: str, fix: str | None = None) -> None:
        super().__init__(reason)
        self.reason, self.fix = reason, fix
