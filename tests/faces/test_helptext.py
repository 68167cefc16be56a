from __future__ import annotations

import pytest

from workbench.faces import helptext
from workbench.specs.spec import Verb
from workbench.specs.verbs import VERBS, verb


@pytest.fixture(autouse=True)
def _as_wide_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)  # readline sets it where TERM names a terminal


@pytest.mark.parametrize("caller", ["%workbench", "workbench"])
def test_the_overview_has_each_verb_once_with_its_summary(caller: str) -> None:
    lines = helptext.overview(caller).splitlines()
    for spec in VERBS:
        assert [line.split(None, 1)[1] for line in lines if line.startswith(f"  {spec.name} ")] == [spec.summary]


@pytest.mark.parametrize("spec", VERBS, ids=lambda spec: spec.name)
@pytest.mark.parametrize("caller", ["%workbench {}", "workbench {}"])
def test_every_option_is_helped(spec: Verb, caller: str) -> None:
    shown = helptext.verb_help(spec, caller.format(spec.name))
    flat = " ".join(shown.split())
    assert shown.startswith(caller.format(spec.name))
    assert all(option.help in flat and all(flag in flat for flag in option.flags) for option in spec.options)
    assert max(map(len, shown.splitlines())) <= 100


def test_how_help_reads() -> None:
    spec = verb("predict")
    assert spec
    assert helptext.verb_help(spec, "%predict") == (
        "%predict MODEL INPUT [-o OUTPUT] [--email ADDRESS] [--env own]\n"
        "\n"
        "predict offline: a frame, file, URL or table in; a frame, file or table out\n"
        "\n"
        "  MODEL                        the model: `churn`, `churn@3` or `churn@live`\n"
        "  INPUT, --input, --source     a frame of the notebook, a file, a URL, a SQL table or query\n"
        "  -o, --output, --sink OUTPUT  where the predictions go; without it they come back as a frame\n"
        "  --email ADDRESS              mail the predictions as a file\n"
        "  --env own                    `own`: versions that need other packages or another Python answer\n"
        "                               from an environment of their own\n"
        "  -h, --help                   show this\n"
        "\n"
        "for example  %predict churn customers.csv -o scored.xlsx"
    )


def test_examples_are_spelled_as_the_face_spells() -> None:
    predict, model = (spec for name in ("predict", "model") if (spec := verb(name)))
    assert helptext.verb_help(predict, "workbench predict").endswith(
        "workbench predict churn customers.csv -o scored.xlsx"
    )
    assert helptext.verb_help(model, "%%model").endswith("%%model churn --example X_test")
    assert helptext.verb_help(model, "workbench model").endswith("shop.models:predict --example customers.csv")


def test_a_narrow_terminal_breaks_lines_between_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    spec = verb("model")
    assert spec
    lines = helptext.verb_help(spec, "%%model").splitlines()
    assert max(map(len, lines)) <= 60
    assert any("[--row-wise yes|no]" in line for line in lines)
