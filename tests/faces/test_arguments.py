from __future__ import annotations

import pytest

from workbench.errors import UsageError
from workbench.faces import arguments
from workbench.faces.reader import read
from workbench.specs.verbs import verb

PREDICT, MODEL, REMOVE, SERVE = (spec for name in ("predict", "model", "remove", "serve") if (spec := verb(name)))


@pytest.mark.parametrize(
    "line",
    [
        "churn in.csv -o out.csv",
        "churn -o out.csv in.csv",
        "-o out.csv churn in.csv",
        "--output=out.csv churn in.csv",
        "churn --input in.csv --sink out.csv",
        "churn --source=in.csv --output 'out.csv'",
        "-o out.csv -- churn in.csv",
    ],
)
def test_the_order_and_spelling_of_options_are_free(line: str) -> None:
    given = arguments.parse(PREDICT, read(line).tokens, "%predict")
    assert given == {"model": "churn", "input": "in.csv", "output": "out.csv", "email": None, "env": None}


def test_some_options_may_be_given_again() -> None:
    stream = verb("stream")
    assert stream
    for line, output in (("-o a", "a"), ("-o a --sink b -o c", ["a", "b", "c"])):
        assert arguments.parse(stream, read(f"churn queue:rows {line}").tokens, "%stream")["output"] == output


def test_every_option_has_a_value_or_its_default() -> None:
    given = arguments.parse(REMOVE, ["churn@1", "--dry-run"], "workbench remove")
    assert given == {"thing": "churn@1", "all": False, "dry_run": True}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("churn X --ouput f", "%predict has no option --ouput\n→ did you mean --output?"),
        ("churn X --zzz", "%predict has no option --zzz\n→ %predict --help lists its options"),
        ("churn", "%predict needs INPUT: a frame of the notebook"),
        ("churn X -o", "-o needs OUTPUT: where the predictions go"),
        ("churn X -o --email a@b", "-o needs OUTPUT: where the predictions go"),
        ("churn X Y", "'Y' is one word too many\n→ usage: %predict MODEL INPUT [-o OUTPUT] [--email ADDRESS]"),
        ("churn X --input Y", "INPUT is given twice: X and Y"),
        ("churn X -o a -o b", "-o is given twice: a and b"),
    ],
)
def test_what_does_not_fit_is_said(line: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        arguments.parse(PREDICT, read(line).tokens, "%predict")
    assert str(refused.value).startswith(message)


def test_switches_take_no_value() -> None:
    with pytest.raises(UsageError, match="--dry-run takes no value"):
        arguments.parse(REMOVE, ["churn", "--dry-run=yes"], "workbench remove")


def test_choices_are_named() -> None:
    with pytest.raises(UsageError, match="--row-wise is yes or no, not 'maybe'"):
        arguments.parse(MODEL, ["churn", "--row-wise", "maybe"], "%%model")


def test_quoted_words_and_values_may_begin_with_a_dash() -> None:
    given = arguments.parse(PREDICT, read("'-churn' '--help' -o -X").tokens, "%predict")
    assert (given["model"], given["input"], given["output"]) == ("-churn", "--help", "-X")
    assert not arguments.wants_help(read("churn '--help'").tokens)
    assert not arguments.wants_help(["--", "--help"])
    assert arguments.wants_help(["churn", "-h"])


def test_the_value_after_an_equals_sign_keeps_its_quotes() -> None:
    quoted = arguments.parse(PREDICT, read("churn --input='X'").tokens, "%predict")["input"]
    plain = arguments.parse(PREDICT, read('churn --input=X["a"]').tokens, "%predict")["input"]
    assert (quoted, quoted.quoted, plain.raw, plain.quoted) == ("X", True, 'X["a"]', False)


@pytest.mark.parametrize(
    ("line", "grpc"),
    [
        ("churn", None),
        ("churn --grpc", True),
        ("--grpc churn", True),
        ("churn --grpc --workers 2", True),
        ("churn --grpc 8001", 8001),
        ("--grpc=8001 churn", 8001),
    ],
)
def test_a_value_may_be_left_out_where_the_option_says_so(line: str, grpc: object) -> None:
    given = arguments.parse(SERVE, read(line).tokens, "%serve")
    assert (given["model"], given["grpc"]) == ("churn", grpc)
    for said in (True, False, 8001):
        assert arguments.check(SERVE, {"model": "churn", "grpc": said}, "workbench.serve")["grpc"] is said


def test_verbs_are_found_or_suggested() -> None:
    assert arguments.find_verb("predict", "workbench") is PREDICT
    with pytest.raises(UsageError, match=r"there is no verb 'predct'\n→ did you mean workbench predict\?"):
        arguments.find_verb("predct", "workbench")
    with pytest.raises(UsageError, match="→ %workbench --help lists what there is"):
        arguments.find_verb("zzz", "%workbench")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("queue:a X --rate fast", "--rate is a number, not 'fast'"),
        ("queue:a X --rate 0", "--rate is above 0, not 0"),
        ("queue:a X --rate -2.5", "--rate is above 0, not -2.5"),
        ("queue:a X --rate nan", "--rate is above 0, not nan"),
    ],
)
def test_numbers_are_above_0(line: str, message: str) -> None:
    put = verb("put")
    assert put
    with pytest.raises(UsageError, match=message):
        arguments.parse(put, read(line).tokens, "%workbench put")
    assert arguments.parse(put, read("queue:a X --rate 2.5").tokens, "%workbench put")["rate"] == 2.5


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("0", "--most is at least 1, not 0"),
        (-3, "--most is at least 1, not -3"),
        ("1.5", "--most is a whole number, not 1.5"),
        (True, "--most is a whole number, not True"),
        ([1], r"--most is a whole number, not \[1\]"),
    ],
)
def test_counts_are_whole(given: object, message: str) -> None:
    tail = verb("tail")
    assert tail
    with pytest.raises(UsageError, match=message):
        arguments.check(tail, {"url": "queue:a", "most": given}, "workbench.tail")
    assert arguments.check(tail, {"url": "queue:a", "most": "7"}, "workbench.tail")["most"] == 7


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("churn --grpc 0", "--grpc is at least 1, not 0"),
        ("churn --grpc=yes", "--grpc is a whole number, not 'yes'"),
        ("churn --port 99999", "--port is at most 65535, not 99999"),
        ("churn --workers -1", "--workers is at least 1, not -1"),
        ("churn --workers 1000", "--workers is at most 256, not 1000"),
        ("churn --max-body 0", "--max-body is above 0, not 0"),
    ],
)
def test_a_service_is_asked_for_within_bounds(line: str, message: str) -> None:
    serve = verb("serve")
    assert serve
    with pytest.raises(UsageError, match=message):
        arguments.parse(serve, read(line).tokens, "%serve")
