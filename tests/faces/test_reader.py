from __future__ import annotations

import ast
import contextlib
import io
import tokenize
from datetime import date
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.faces.reader import read


def words(line: str, **names: Any) -> list[str]:
    return list(read(line, names).tokens)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("   ", []),
        ("# nothing", []),
        ("churn X", ["churn", "X"]),
        ("churn\tX  -o out.csv", ["churn", "X", "-o", "out.csv"]),
        ('churn X[["a", "b"]].head()', ["churn", 'X[["a", "b"]].head()']),
        ("churn df[df.month == 7]", ["churn", "df[df.month == 7]"]),
        ("churn df[(df.a > 1) & (df.b < 2)]", ["churn", "df[(df.a > 1) & (df.b < 2)]"]),
        ("churn X # the test rows", ["churn", "X"]),
        ("churn X#1", ["churn", "X#1"]),
        ('churn X["# no comment"] # one', ["churn", 'X["# no comment"]']),
        ("-m 'issue #12'", ["-m", "issue #12"]),
        ('-m "it\'s fine"', ["-m", "it's fine"]),
        ("-m 'he said \\'no\\''", ["-m", "he said 'no'"]),
        ("churn 's3://lake/customers/*.parquet'", ["churn", "s3://lake/customers/*.parquet"]),
        ("--note='a b'", ["--note=a b"]),
        ("C:\\data\\x.csv", ["C:\\data\\x.csv"]),
        ("postgresql://u:${PASSWORD}@db/x?table=t", ["postgresql://u:${PASSWORD}@db/x?table=t"]),
        ('X.query("a > 1 # b")', ['X.query("a > 1 # b")']),
        ("f(')')", ["f(')')"]),
        ('f("""a " b""")', ['f("""a " b""")']),
        ("''", [""]),
    ],
)
def test_words(line: str, expected: list[str]) -> None:
    assert words(line) == expected


def test_names_are_filled_in() -> None:
    assert words("out_{month:02d}/{name}.csv", month=7, name="x") == ["out_07/x.csv"]
    assert words('"{name} of {month}"', month=7, name="x") == ["x of 7"]
    assert words("{day:%Y-%m-%d}", day=date(2026, 7, 1)) == ["2026-07-01"]
    assert words("{rows[0]}{name!r}", rows=[3], name="x") == ["3'x'"]
    assert words("{month + 1}", month=7) == ["8"]
    assert words('f"{month}.csv"', month=7) == ["7.csv"]
    assert words("{note}", note="two words # no comment") == ["two words # no comment"]


def test_braces_that_are_no_names_stay() -> None:
    assert words('{"a":[1,2]}', a=1) == ['{"a":[1,2]}']
    assert words("${HOME}", HOME=1) == ["${HOME}"]
    assert words("'${HOME}'", HOME=1) == ["${HOME}"]
    assert words("{{name}}", name=1) == ["{name}"]
    assert words("'{{name}}'", name=1) == ["{name}"]
    assert words("{a,b}", a=1, b=2) == ["{a,b}"]
    assert words("{k:v for k,v in d}", d={}) == ["{k:v for k,v in d}"]
    assert words("X[{a}]", a=1) == ["X[{a}]"]
    assert list(read("{name}").tokens) == ["{name}"]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UsageError, match=r"\{moth\} is not defined in this notebook\n→ did you mean \{month\}\?"):
        words("{moth}", month=7)


def test_a_field_that_fails_says_why() -> None:
    with pytest.raises(UsageError, match=r"\{row\['b'\]\} cannot be filled in: KeyError: 'b'"):
        words("{row['b']}", row={})
    with pytest.raises(UsageError, match=r'f"\{x\}" cannot be filled in: NameError'):
        words('f"{x}"')


def test_a_frame_in_braces_is_refused() -> None:
    import numpy as np

    with pytest.raises(UsageError, match=r"\{X\} is a ndarray\n→ write X without braces"):
        words("{X}", X=np.zeros((2, 2)))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("churn X[1", "the bracket \\[ at character 8 is never closed"),
        ("churn X[1)", "the \\) at character 10 closes no bracket"),
        ("-m it's", "the quote ' at character 6 is never closed"),
        ("X['a]", "the quote ' at character 3 is never closed"),
    ],
)
def test_what_stays_open_is_said(line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        words(line)


def test_quoted_words_are_remembered() -> None:
    quoted, plain, part = read('"X" X "X".upper()').tokens
    assert (quoted.quoted, plain.quoted, part.quoted) == (True, False, False)
    assert part.raw == '"X".upper()'


@pytest.mark.parametrize(
    ("line", "silent"), [("X;", True), ("X ; # c", True), ("'X';", True), ("X", False), ("'X;'", False)]
)
def test_a_semicolon_at_the_end_silences(line: str, silent: bool) -> None:
    read_line = read(line)
    assert (read_line.silent, list(read_line.tokens)) == (silent, ["X;" if line == "'X;'" else "X"])


_load = ast.Load()
_constants = st.one_of(st.integers(0, 99), st.text(max_size=6), st.binary(max_size=3), st.booleans(), st.none())
_nodes: st.SearchStrategy[Any] = st.deferred(
    lambda: st.one_of(
        st.sampled_from(["x", "frame", "_a1"]).map(lambda name: ast.Name(name, _load)),
        _constants.map(ast.Constant),
        st.builds(lambda a, b: ast.Call(a, [b], []), _nodes, _nodes),
        st.builds(lambda a, b: ast.Subscript(a, b, _load), _nodes, _nodes),
        st.builds(lambda a: ast.Attribute(a, "head", _load), _nodes),
        st.lists(_nodes, max_size=3).map(lambda parts: ast.List(parts, _load)),
        st.lists(_nodes, min_size=1, max_size=3).map(lambda parts: ast.Tuple(parts, _load)),
        st.lists(_nodes, min_size=2, max_size=3).map(lambda parts: ast.Dict(parts, parts)),
        st.builds(lambda a, b: ast.BinOp(a, ast.Add(), b), _nodes, _nodes),
        st.builds(lambda a, b: ast.Compare(a, [ast.NotIn()], [b]), _nodes, _nodes),
    )
)


def _spaced(text: str) -> bool:
    """Whether Python itself sees a space outside all brackets."""
    depth, end = 0, 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if depth == 0 and token.start[1] > end:
            return True
        depth += (token.string in "([{") - (token.string in ")]}") if token.type == tokenize.OP else 0
        end = token.end[1]
    return False


_expressions = _nodes.map(ast.unparse).map(lambda text: f"({text})" if _spaced(text) else text)


def _is_expression(text: str) -> bool:
    try:
        ast.parse(text, mode="eval")
    except (SyntaxError, ValueError):
        return False
    return "\n" not in text and "\0" not in text


@settings(max_examples=200, deadline=None)
@given(_expressions, _expressions)
def test_expressions_survive_as_one_word(first: str, second: str) -> None:
    assume(_is_expression(first) and _is_expression(second))
    tokens = read(f"  churn {first}  --example {second} # said ({{").tokens
    assert [token.raw for token in tokens] == ["churn", first, "--example", second]


@settings(max_examples=100, deadline=None)
@given(st.text(st.characters(exclude_characters="'\\\n{}"), max_size=30))
def test_text_in_quotes_survives(text: str) -> None:
    tokens = read(f"a '{text}' # b '").tokens
    assert list(tokens) == ["a", text]
    assert tokens[1].quoted


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=40))
def test_any_line_is_read_or_refused(line: str) -> None:
    with contextlib.suppress(UsageError):
        read(line, {"x": 1})
