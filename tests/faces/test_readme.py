from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.faces.helptext import usage
from workbench.specs.verbs import VERBS

README = Path(__file__).parents[2] / "README.md"


def readme_table() -> str:
    """The table of verbs as the README is to have it, in Markdown."""
    rows = [(f"`{usage(spec, spec.name)}`", spec.summary) for spec in VERBS]
    return "\n".join(
        f"| {call.replace('|', chr(92) + '|')} | {does} |" for call, does in [("verb", "does"), ("---", "---"), *rows]
    )


def test_the_readme_lists_the_verbs_as_the_specs_have_them() -> None:
    text = README.read_text(encoding="utf-8")
    assert readme_table() in text, f"the README's table of verbs is to be\n\n{readme_table()}"


PAGES = pytest.mark.parametrize("file", [README, *sorted(README.parent.glob("docs/*.md"))], ids=lambda file: file.stem)


@PAGES
def test_every_link_leads_to_a_file(file: Path) -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", file.read_text(encoding="utf-8"))
    assert not [link for link in links if not (file.parent / link).exists()]


@PAGES
def test_no_page_names_a_verb_that_does_not_exist(file: Path) -> None:
    known = {spec.name for spec in VERBS}
    text = file.read_text(encoding="utf-8")
    named = re.findall(r"(?:%workbench|^workbench|`workbench|`wb) ([a-z][a-z-]*)", text, re.MULTILINE)
    assert set(named) <= known
