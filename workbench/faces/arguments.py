"""Words -> the arguments of a verb, checked; and the help texts. The same for magics, shell and Python.

Written out rather than given to argparse, which drops what a word remembers (that it was quoted), takes
`-` in an expression for an option, and says its errors in its own words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..specs.spec import Option, Verb
from ..specs.verbs import VERBS, verb
from ..text import closest
from .helptext import usage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

HELP = ("-h", "--help")


def find_verb(name: str, caller: str) -> Verb:
    """The verb of that name; UsageError with the closest one. `caller` is how the face is called (`%workbench`)."""
    if found := verb(name):
        return found
    near = closest(name, [v.name for v in VERBS])
    fix = f"did you mean {caller} {near}?" if near else f"{caller} --help lists what there is"
    raise UsageError(f"there is no verb {name!r}", fix=fix)


def wants_help(words: Sequence[str]) -> bool:
    """Whether `--help` stands among the words, before a `--`."""
    until = words.index("--") if "--" in words else len(words)
    return any(word in HELP and not getattr(word, "quoted", False) for word in words[:until])


def parse(spec: Verb, words: Sequence[str], caller: str) -> dict[str, Any]:
    """The options of `spec` that the words give, by name; UsageError with the usage or the closest option."""
    given: dict[str, Any] = {}
    positional = [option for option in spec.options if option.positional]
    rest = list(words)
    only_positional = False
    while rest:
        word = rest.pop(0)
        if word == "--" and not only_positional:
            only_positional = True
        elif _is_flag(word) and not only_positional:
            option, value = _flagged(spec, word, rest, caller)
            _give(given, option, value)
        else:
            open_ones = [option for option in positional if option.name not in given]
            if not open_ones:
                raise UsageError(f"{word!r} is one word too many", fix=f"usage: {usage(spec, caller)}")
            _give(given, open_ones[0], word)
    return check(spec, given, caller)


def check(spec: Verb, given: Mapping[str, Any], caller: str) -> dict[str, Any]:
    """What was given, with all that is required and only values that fit; UsageError otherwise."""
    given = {name: _converted(_named(spec, name), value) for name, value in given.items()}
    for option in spec.options:
        value = given.get(option.name)
        if option.kind == "number" and value is not None and not (option.bare and isinstance(value, bool)):
            _check_number(option, value)
        if option.required and value is None:
            raise UsageError(f"{caller} needs {option.metavar}: {option.help}", fix=_next_step(spec, caller))
        if option.choices and value is not None and value not in option.choices:
            named = option.flags[0] if option.flags else option.metavar
            raise UsageError(
                f"{named} is {' or '.join(option.choices)}, not {value!r}", fix=f"{named} {option.choices[0]}"
            )
    return {option.name: given.get(option.name, option.default) for option in spec.options}


def _named(spec: Verb, name: str) -> Option:
    return next(option for option in spec.options if option.name == name)


def _converted(option: Option, value: Any) -> Any:
    """A number from its text, where it is one; other values as they are."""
    if option.kind != "number" or not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return str(value)
    return int(number) if number.is_integer() else number


def _check_number(option: Option, value: Any) -> None:
    """UsageError for what is none, or out of its bounds."""
    shown, least = _shown_as(option), option.least
    if isinstance(value, bool) or not hasattr(value, "__index__" if least is not None else "__float__"):
        kind = "a number" if least is None else "a whole number"
        raise UsageError(f"{shown} is {kind}, not {value!r}", fix=f"as in {shown} 4")
    if not (value > 0 if least is None else value >= least):
        bound = "above 0" if least is None else f"at least {least}"
        raise UsageError(f"{shown} is {bound}, not {value}", fix=f"as in {shown} 4")
    if option.most is not None and value > option.most:
        raise UsageError(f"{shown} is at most {option.most}, not {value}", fix=f"as in {shown} {option.most}")


def _shown_as(option: Option) -> str:
    return option.metavar if option.positional else option.flags[-1]


def _next_step(spec: Verb, caller: str) -> str:
    example = f", as in {spec.example}" if spec.example and spec.example.split()[0] == caller.split()[0] else ""
    return f"usage: {usage(spec, caller)}{example}"


def _is_flag(word: str) -> bool:
    return len(word) > 1 and word.startswith("-") and not getattr(word, "quoted", False)


def _flagged(spec: Verb, word: str, rest: list[str], caller: str) -> tuple[Option, Any]:
    """The option that a word names, with its value, which may be the word after it."""
    name, equals, inline = word.partition("=")
    option = _option(spec, name, caller)
    if option.kind == "flag":
        if equals:
            raise UsageError(f"{name} takes no value", fix=f"write {name} alone")
        return option, True
    if equals:
        return option, _with_raw(inline, word, len(name) + 1)
    if option.bare and not (rest and rest[0].isdecimal()):
        return option, True
    if not rest or (_is_flag(rest[0]) and _known(spec, rest[0].partition("=")[0])):
        raise UsageError(f"{name} needs {option.metavar}: {option.help}", fix=f"usage: {usage(spec, caller)}")
    return option, rest.pop(0)


def _with_raw(inline: str, word: str, cut: int) -> str:
    """The value of `--option=value`, which keeps how it was typed."""
    from .reader import Token

    if not isinstance(word, Token):
        return inline
    raw = word.raw[cut:]
    quoted = len(raw) > 1 and raw[0] == raw[-1] and raw[0] in "'\"" and inline == raw[1:-1]
    return Token(inline, raw, quoted=quoted)


def _option(spec: Verb, name: str, caller: str) -> Option:
    if option := _known(spec, name):
        return option
    flags = [flag for option in spec.options for flag in option.flags]
    near = closest(name, [*flags, "--help"])
    fix = f"did you mean {near}?" if near else f"{caller} --help lists its options"
    raise UsageError(f"{caller} has no option {name}", fix=fix)


def _known(spec: Verb, name: str) -> Option | None:
    return next((option for option in spec.options if name in option.flags), None)


def _give(given: dict[str, Any], option: Option, value: Any) -> None:
    named = option.metavar if option.positional else option.flags[0]
    if option.repeated:
        name, equals, value = value.partition("=")
        if not equals:
            raise UsageError(f"{named} takes {option.metavar}, not {name!r}", fix=f"{named} {name}=…")
        value = given.pop(option.name, {}) | {name: value}
    if option.many and option.name in given:
        before = given.pop(option.name)
        value = [*(before if isinstance(before, list) else [before]), value]
    if option.name in given:
        raise UsageError(f"{named} is given twice: {given[option.name]} and {value}", fix="leave one out")
    given[option.name] = value
