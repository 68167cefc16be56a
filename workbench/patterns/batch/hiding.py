"""The values of secrets -> hidden wherever a run shows what its cells have written."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...errors import UsageError

_NAMED = re.compile(r"^\$\{([A-Za-z_]\w*)\}$")
_SECRET = re.compile(r"(?i)passw|secret|token|credential|api_?key|private_?key")
_LEAST, _SURE = 5, 8
HIDDEN = "***"


def name_of(value: Any) -> str:
    """`TOKEN` for a parameter that is given as `${TOKEN}`; empty for any other value."""
    match = _NAMED.match(value) if isinstance(value, str) else None
    return match[1] if match else ""


def refuse_bare(values: Mapping[str, Any], variables: Mapping[str, str] = os.environ) -> None:
    """UsageError for a parameter that holds the value of a variable which is called like a secret: it would stand in
    the record of the run."""
    secrets = {value: name for name, value in variables.items() if _SECRET.search(name) and len(value) >= _LEAST}
    for parameter, given in values.items():
        for said in _texts(given):
            for value, name in secrets.items():
                if said == value or (len(value) >= _SURE and value in said):
                    what = (
                        f"parameter {parameter} holds the value of {name}, which would stand in the record of the run"
                    )
                    fix = f"name it: -p {parameter}='${{{name}}}', and give its value in a file: --env-file FILE"
                    raise UsageError(what, fix=fix)


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, Mapping):
        yield from (text for pair in given.items() for one in pair for text in _texts(one))
    elif isinstance(given, (list, tuple, set)):
        yield from (text for one in given for text in _texts(one))


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

    def file(self, file: Path) -> None:
        """Hide them in a frame or a page that cells have handed back; nobody can read a picture."""
        if not self._values:
            return
        if file.suffix == ".parquet":
            self._frame(file)
        elif file.suffix == ".html":
            file.write_text(self.text(file.read_text(encoding="utf-8")), encoding="utf-8")

    def _frame(self, file: Path) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        there = pq.read_table(file)
        hidden = there
        for i, column in enumerate(there.columns):
            if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
                for value in self._values:
                    column = pc.replace_substring(column, pattern=value, replacement=HIDDEN)
                hidden = hidden.set_column(i, there.schema.field(i), column)
        if not hidden.equals(there):
            pq.write_table(hidden, file)

    def _hidden(self, found: Any) -> Any:
        if isinstance(found, str):
            return self.text(found)
        if isinstance(found, dict):
            return type(found)({key: self._hidden(value) for key, value in found.items()})
        return [self._hidden(value) for value in found] if isinstance(found, list) else found
