"""A magic's line -> tokens: split at spaces outside brackets and quotes, comments off, `{name}` filled in.

Shell splitting would break Python (`X[["a", "b"]].head()`), and IPython's own expansion would leave an
unknown `{name}` unsaid, so both are done here.
"""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..text import closest

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLOSES = {"(": ")", "[": "]", "{": "}"}
_PREFIXED_STRING = re.compile(r"(?i)(?:[rbfu]|rb|br|fr|rf)(?=['\"])")
_BRACES = re.compile(r"(?<!\$)(?:\{\{|\}\}|\{[^{}]*\})")
_DOUBLED = re.compile(r"\{\{[^{}]*\}\}")
_NAME = re.compile(r"[A-Za-z_]\w*")
_END_OF_TOKEN = re.compile(r"\s|$|;\s*(?:#.*)?$")


class Token(str):
    """One word of a line, as text. `raw` is the word as it was typed, with each `{name}` filled in, for
    expressions; a `quoted` word is text and nothing else."""

    raw: str
    quoted: bool

    def __new__(cls, text: str, raw: str | None = None, *, quoted: bool = False) -> Token:
        token = super().__new__(cls, text)
        token.raw, token.quoted = text if raw is None else raw, quoted
        return token


@dataclass(frozen=True)
class Line:
    """The tokens of a line; `silent` says that it ended in `;`."""

    tokens: tuple[Token, ...]
    silent: bool = False


def read(line: str, namespace: Mapping[str, Any] | None = None) -> Line:
    """The tokens of a magic's line. Without a namespace, each `{name}` stays as it is.

    A quote or bracket that stays open, or a `{name}` that is not there, is a UsageError.
    """
    return _Reader(line, namespace).read()


class _Reader:
    def __init__(self, line: str, namespace: Mapping[str, Any] | None) -> None:
        self.line, self.namespace, self.at = line, namespace, 0

    def read(self) -> Line:
        tokens: list[Token] = []
        while True:
            while self.at < len(self.line) and self.line[self.at].isspace():
                self.at += 1
            if self.line.startswith("#", self.at) or self._ended():
                return Line(tuple(tokens), silent=self.line.startswith(";", self.at))
            tokens.append(self._prefixed_string() or self._token())

    def _ended(self) -> bool:
        return bool(_END_OF_TOKEN.match(self.line, self.at))

    def _token(self) -> Token:
        text = raw = ""
        pieces = quotes = 0
        while not self._ended():
            begin, pieces = self.at, pieces + 1
            if self.line[begin] in "'\"":
                self._skip_string()
                piece, quotes = self._fill(self.line[begin : self.at]), quotes + 1
                text, raw = text + _unquoted(piece), raw + piece
            else:
                piece = self._plain()
                text, raw = text + piece, raw + piece
        return Token(text, raw, quoted=pieces == quotes == 1)

    def _plain(self) -> str:
        """The next piece outside quotes: one character, or all between two brackets."""
        begin = self.at
        is_variable = self.line.startswith("${", begin)
        self.at += is_variable
        if self.line[self.at] not in _CLOSES:
            self.at += 1
            return self.line[begin : self.at]
        self._skip_brackets()
        piece = self.line[begin : self.at]
        return _field(piece, self.namespace) if piece.startswith("{") else piece

    def _prefixed_string(self) -> Token | None:
        """A word that is one Python string with a prefix, `f"{month}.csv"`, is the value of that string."""
        begin = self.at
        if not (prefix := _PREFIXED_STRING.match(self.line, begin)):
            return None
        self.at = prefix.end()
        self._skip_string()
        if not self._ended():
            self.at = begin
            return None
        raw = self.line[begin : self.at]
        return Token(raw if self.namespace is None else str(_evaluated(raw, raw, self.namespace)), raw, quoted=True)

    def _fill(self, quoted: str) -> str:
        return _BRACES.sub(lambda found: _field(found.group(), self.namespace), quoted)

    def _skip_string(self) -> None:
        """Over a Python string, in one quote or three, whose backslashes keep what follows them."""
        begin, quote = self.at, self.line[self.at]
        end = quote * 3 if self.line.startswith(quote * 3, begin) else quote
        self.at += len(end)
        while not self.line.startswith(end, self.at):
            self.at += 2 if self.line.startswith("\\", self.at) else 1
            if self.at >= len(self.line):
                raise UsageError(
                    f"the quote {quote} at character {begin + 1} is never closed: {self.line.strip()}",
                    fix="close it; a word with an apostrophe goes into double quotes",
                )
        self.at += len(end)

    def _skip_brackets(self) -> None:
        begin, closing = self.at, [_CLOSES[self.line[self.at]]]
        self.at += 1
        while closing:
            here = self.line[self.at : self.at + 1]
            if not here:
                raise UsageError(
                    f"the bracket {self.line[begin]} at character {begin + 1} is never closed: {self.line.strip()}",
                    fix="close it, or put the word into quotes",
                )
            if here in "'\"":
                self._skip_string()
                continue
            self.at += 1
            if here in _CLOSES:
                closing.append(_CLOSES[here])
            elif here in ")]}" and closing.pop() != here:
                what = f"the {here} at character {self.at} closes no bracket: {self.line.strip()}"
                raise UsageError(what, fix="take it away, or put the word into quotes")


def _unquoted(piece: str) -> str:
    """A string without its quotes; only a backslash before its own quote is taken away."""
    quote = piece[0]
    width = 3 if len(piece) >= 6 and piece.startswith(quote * 3) else 1
    return piece[width:-width].replace(f"\\{quote}", quote)


def _field(braced: str, namespace: Mapping[str, Any] | None) -> str:
    """`{name}`, `{name.of[0]}` or `{name:spec}` filled in; `{{` is a brace; a dict or a set stays as it is."""
    if braced in ("{{", "}}"):
        return braced[0]
    if _DOUBLED.fullmatch(braced):
        return braced[1:-1]
    name = _NAME.match(braced, 1)
    if namespace is None or not name or not _is_field(braced):
        return braced
    if name.group() not in namespace and not hasattr(builtins, name.group()):
        near = closest(name.group(), namespace)
        fix = (
            f"did you mean {{{near}}}?" if near else f"run the cell that defines it, or write {{{braced}}} for the text"
        )
        raise UsageError(f"{braced} is not defined in this notebook", fix=fix)
    inner = braced[1:-1]
    value = namespace.get(inner)
    if getattr(value, "ndim", None):
        raise UsageError(f"{braced} is a {type(value).__name__}", fix=f"write {inner} without braces")
    return str(_evaluated(f'f"""{braced}"""', braced, namespace))


def _is_field(braced: str) -> bool:
    try:
        display = ast.parse(braced, mode="eval").body
    except SyntaxError:
        pass
    else:
        parts = display.keys if isinstance(display, ast.Dict) else getattr(display, "elts", ())
        return len(parts) == 1
    try:
        return isinstance(ast.parse(f'f"""{braced}"""', mode="eval").body, ast.JoinedStr)
    except SyntaxError:
        return False


def _evaluated(source: str, shown: str, namespace: Mapping[str, Any]) -> object:
    try:
        return eval(source, dict(namespace))  # noqa: S307 (the user's own line)
    except Exception as error:
        what = f"{shown} cannot be filled in: {type(error).__name__}: {error}"
        raise UsageError(what, fix="correct the expression, or double its braces, {{ }}, for the text") from error
