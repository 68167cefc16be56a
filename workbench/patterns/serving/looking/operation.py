"""One thing that can be asked of a service, with what it takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field

from .schemas import Json

JSON = "application/json"
ROWS_REFUSED = (400, 401, 403, 404, 413, 415, 429, 500, 504)
LOOK_REFUSED = (401,)


@dataclass(frozen=True)
class Operation:
    """`path` and `method` with what they are for. `takes` and `gives` are content types with their media objects;
    `refused` the statuses of refusals, whose body `Refusal` describes unless `refusal` names another schema."""

    path: str
    method: str
    id: str
    summary: str
    tag: str
    description: str = ""
    takes: Json = field(default_factory=dict)
    gives: Json = field(default_factory=dict)
    refused: tuple[int, ...] = LOOK_REFUSED
    refusal: str = "Refusal"
    rows: bool = False
    open: bool = False
