"""environment.yml, constraints.txt and pyproject.toml say the same."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def project() -> dict[str, list[str]]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        content = tomllib.load(file)["project"]
    return {"base": content["dependencies"], **content["optional-dependencies"]}


def plain(requirement: str) -> str:
    return requirement.split(";")[0].strip()


def name(requirement: str) -> str:
    return re.split(r"[<>=;\[ ]", requirement)[0].lower().replace("_", "-")


def test_the_conda_environment_holds_the_same_packages() -> None:
    extras = project()
    wanted = {plain(r) for r in extras["base"] + extras["excel"] + extras["tour"] if not r.startswith("deployment")}
    lines = re.findall(r"^\s+- (\S+)$", (ROOT / "environment.yml").read_text(), re.MULTILINE)
    listed = {line for line in lines if ">=" in line and not line.startswith("python>")}
    assert listed == wanted


def test_every_requirement_has_a_lower_bound_and_no_upper_one() -> None:
    for requirements in project().values():
        for requirement in requirements:
            if not requirement.startswith("deployment-workbench"):
                assert re.fullmatch(r"[A-Za-z0-9_.-]+(\[[a-z,]+\])?>=[0-9.]+", plain(requirement)), requirement


def test_the_constraints_are_names_and_versions_and_cover_every_requirement() -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.-]+==[A-Za-z0-9_.!+]+", line) for line in lines)
    pinned = {name(line) for line in lines}
    for requirements in project().values():
        missing = {name(r) for r in requirements} - pinned - {"deployment-workbench"}
        assert not missing
