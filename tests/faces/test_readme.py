from __future__ import annotations

import re
from pathlib import Path

from workbench.faces.helptext import readme_table
from workbench.specs import VERBS

README = Path(__file__).parents[2] / "README.md"


def test_the_readme_lists_the_verbs_as_the_specs_have_them() -> None:
    text = README.read_text(encoding="utf-8")
    assert readme_table() in text, f"the README's table of verbs is to be\n\n{readme_table()}"


def test_the_readme_names_no_verb_that_does_not_exist() -> None:
    known = {spec.name for spec in VERBS}
    text = README.read_text(encoding="utf-8")
    named = re.findall(r"(?:%workbench|^workbench|`workbench|`wb) ([a-z][a-z-]*)", text, re.MULTILINE)
    assert set(named) <= known
