"""What a verb and its options are, and the options that several verbs share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_Text = Literal["text", "flag", "number", "pair", "name", "model", "version", "thing", "target", "sink"]
_Expression = Literal["object", "frame", "column", "place"]
Kind = _Text | _Expression
"""What an option takes, which decides how a face reads and completes it:
text; a switch; a number; `NAME=VALUE`, which may be given again and again; a name that stands in no list;
a model's name (`churn`); a version (`churn@3`); what runs (`service/churn`) or a model;
an object or a frame of the notebook (an expression); a column's name, or values (an expression);
a place to read (a frame of the notebook, a file, a URL, a table); a place to write (never an expression);
a model or a notebook's file."""

Group = Literal["models", "predictions", "what runs", "this installation"]
"""The headings of `--help`, in this order."""


@dataclass(frozen=True)
class Option:
    """One option of a verb: positional if it has no flags or `positional` says so; `metavar` names its value.

    `shown` ones say how a face shows the answer (`--json`); the API does not take them. A number with a `least` is
    whole and at least that, and at most `most`; others are above 0. One that may stand `bare` is True without a value;
    one of which there may be `many` is a value, or a list of them. Of one that takes expressions, `words` are what
    stands for itself, whatever the notebook has of that name.
    """

    name: str
    kind: Kind
    help: str
    flags: tuple[str, ...] = ()
    metavar: str = ""
    required: bool = False
    positional: bool = False
    shown: bool = False
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    bare: bool = False
    many: bool = False
    words: tuple[str, ...] = ()

    @property
    def default(self) -> object:
        return False if self.kind == "flag" else None

    @property
    def repeated(self) -> bool:
        """Whether it may be given more than once."""
        return self.kind == "pair"


@dataclass(frozen=True)
class Verb:
    """What can be asked. `short` verbs have a line magic of their own; `cell` ones a cell magic too.

    `example` is as in a notebook; `shell_example` where the shell's differs by more than the spelling.
    """

    name: str
    summary: str
    options: tuple[Option, ...]
    group: Group
    short: bool = False
    cell: bool = False
    example: str = ""
    shell_example: str = ""

    @property
    def function(self) -> str:
        """What it is called in Python."""
        return self.name.replace("-", "_")


def argument(name: str, kind: Kind, help: str, metavar: str, *flags: str, required: bool = False) -> Option:
    """One that stands by its position, and by its flags if it has any."""
    return Option(name, kind, help, flags, metavar, required, positional=True)


def switch(name: str, help: str, *, shown: bool = False) -> Option:
    """One that is there or not."""
    return Option(name, "flag", help, (f"--{name.replace('_', '-')}",), shown=shown)


def option(
    name: str,
    kind: Kind,
    help: str,
    metavar: str,
    *flags: str,
    least: int | None = None,
    most: int | None = None,
    bare: bool = False,
) -> Option:
    """One with a value; its flag is its name, unless flags are named."""
    flags = flags or (f"--{name.replace('_', '-')}",)
    return Option(name, kind, help, flags, metavar, least=least, most=most, bare=bare)


def as_json(what: str) -> Option:
    """The switch of all lists."""
    return switch("json", f"{what} as JSON", shown=True)


MODEL = argument("model", "version", "the model: `churn`, `churn@3` or `churn@live`", "MODEL", required=True)
DRY_RUN = switch("dry_run", "show what would be done; do nothing")
THING = argument("name", "thing", "what runs: `service/churn`, `run/17`; `churn` while unique", "NAME", required=True)
ON = Option(
    "on",
    "place",
    "the rows to compare on; `requests` are those of the log of its service",
    ("--on",),
    "INPUT",
    words=("requests",),
)
ENV = Option(
    "env",
    "text",
    "`own`: versions that need other packages or another Python answer from an environment of their own",
    ("--env",),
    "own",
    choices=("own",),
)
SPLIT = option("split", "text", "several versions with their shares: `3=70,4=20,5=10`", "SHARES")
BANDIT = Option(
    "bandit",
    "text",
    "let shares follow the rewards that feedback brings, between it and the live one, or those of --split",
    ("--bandit",),
    "POLICY",
    choices=("thompson", "epsilon-greedy"),
)
