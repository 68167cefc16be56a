"""The values of secrets -> hidden wherever a run shows what its cells have written."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from ...errors import UsageError

_NAMED = re.compile(r"^\$\{([A-Za-z_]\w*)\}$")
_SECRET = re.compile(r"(?i)passw|secret|token|credential|api_?key|private_?key")
_LEAST = 5
HIDDEN = "***"


def name_of(value: Any) -> str:
    """`TOKEN` for a parameter that is given as `${TOKEN}`; empty for any other value."""
    match = _NAMED.match(value) if isinstance(value, str) else None
    return match[1] if match else ""


class Hiding:
    """Hides what the parameters name as `${NAME}`, and variables that are called like a secret. UsageError for a name
    that is not set."""

    def __init__(self, values: Mapping[str, Any], variables: Mapping[str, str] = os.environ) -> None:
        named = {name for value in values.values() if (name := name_of(value))}
        if missing := sorted(named - variables.keys()):
            what = f"a parameter is ${{{missing[0]}}}, which is not set where the run is"
            raise UsageError(what, fix=f"write {missing[0]}=… into a file, and give it: --env-file FILE")
        found = {variables[name] for name in variables if name in named or _SECRET.search(name)}
        self._values = sorted((value for value in found if len(value) >= _LEAST), key=len, reverse=True)

    def __bool__(self) -> bool:
        return bool(self._values)

    def text(self, said: str) -> str:
        """Text without them."""
        for value in self._values:
            said = said.replace(value, HIDDEN)
        return said

    def cells(self, cells: list[Any]) -> None:
        """Hide them in what the cells have put out, and nowhere in their source."""
        for cell in cells:
            if self._values and cell.get("outputs"):
                cell["outputs"] = [self._hidden(output) for output in cell["outputs"]]

    def json(self, found: Any) -> Any:
        """Anything that JSON can hold without them."""
        return self._hidden(found) if self._values else found

    def _hidden(self, found: Any) -> Any:
        if isinstance(found, str):
            return self.text(found)
        if isinstance(found, dict):
            return type(found)({key: self._hidden(value) for key, value in found.items()})
        return [self._hidden(value) for value in found] if isinstance(found, list) else found
