"""The line that ends an exported README proves what runs, through an ingress that goes by prefix, host or header."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from export_models import ROWS, first, second
from proof_lines import proofs
from proxy_parts import ingress
from starlette.requests import Request

from workbench.api import Workbench
from workbench.errors import NotFound, NotProven, UsageError

EQUAL = "120 of 120 reference rows equal (Open Inference Protocol"


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workbench, Any, Any]]:
    """Two versions, each answered by a service of its own, as pods do; and a canary of both, to be exported."""
    workbench = Workbench(tmp_path_factory.mktemp("home"))
    for function in (first, second):
        workbench.model("late", function, example=ROWS, row_wise="yes")
    workbench.alias("late@1", "live")
    one = workbench.serve("late@1", name="one", host="0.0.0.0", no_token=True)
    two = workbench.serve("late@2", name="two", host="0.0.0.0")
    workbench.serve("late")
    workbench.promote("late@2", canary="10")
    yield workbench, one, two
    workbench.shutdown(all=True)


@pytest.fixture
def api(pods: tuple[Workbench, Any, Any]) -> Workbench:
    """Where they were made."""
    return pods[0]


@pytest.fixture
def urls(pods: tuple[Workbench, Any, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Where version 1 and version 2 answer; the token of the second is that of the README."""
    monkeypatch.setenv("WORKBENCH_TOKEN", pods[2].token)
    return {"1": pods[1].url, "2": pods[2].url}


def by_host(urls: dict[str, str]) -> Any:
    """As Knative's and KServe's ingress: each version below its own name, and what is shared at random."""
    hosts = {"live.example.com": urls["1"], "canary.example.com": urls["2"]}
    return lambda request: (to := hosts.get(request.headers["host"])) and f"{to}{request.url.path}"


@pytest.mark.parametrize(
    ("platform", "options"), [("knative", {}), ("kserve", {}), ("kserve", {"storage": "s3://bucket/models"})]
)
def test_each_version_of_a_canary_is_proven_at_its_own_host(
    api: Workbench, urls: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, platform: str, options: Any
) -> None:
    api.export("service/late", to=platform, output=str(tmp_path / "out"), **options)
    if options:  # KServe's own runtime asks for no token
        urls = {**urls, "2": urls["1"]}
    with ingress(by_host(urls)) as place:
        hosts = {"LIVE": "http://live.example.com", "CANARY": "http://canary.example.com"}
        named_1, named_2, one, two = proofs(tmp_path / "out", INGRESS=place, **hosts)
        assert named_1.given["against"].startswith("http://live.example.com")
        assert named_2.given["against"].startswith("http://canary.example.com")
        assert EQUAL in one.run(tmp_path / "home", monkeypatch)
        if options:
            with pytest.raises(NotProven, match="0 of 120 reference rows equal"):
                two.run(tmp_path / "home", monkeypatch)
        else:
            assert EQUAL in two.run(tmp_path / "home", monkeypatch)


def test_seldon_is_asked_below_a_prefix_and_by_its_header(
    api: Workbench, urls: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its executor answers at these paths alone, and the mesh of its second version goes by a header."""
    prefix = "/seldon/team/late"

    def executor(request: Request) -> str | None:
        path = request.url.path.removeprefix(prefix)
        known = request.url.path.startswith(prefix) and path in ("/v2/models/late", "/v2/models/late/infer")
        return f"{urls['2']}{path}" if known else None

    def mesh(request: Request) -> str | None:
        said = request.headers.get("seldon-model")
        return f"{urls['1']}{request.url.path.replace('late-1', 'late')}" if said == "late-1" else None

    api.export("late@2", to="seldon", output=str(tmp_path / "one"))
    api.export("late@1", to="seldon", output=str(tmp_path / "two"), storage="s3://bucket/models")
    with ExitStack() as stack:
        places = {"MESH": stack.enter_context(ingress(mesh))}
        places["URL"] = f"http://{stack.enter_context(ingress(executor))}{prefix}"
        (by_prefix,) = proofs(tmp_path / "one", **places)
        _, by_header = proofs(tmp_path / "two", **places)
        assert EQUAL in by_prefix.run(tmp_path / "home", monkeypatch)
        assert EQUAL in by_header.run(tmp_path / "home", monkeypatch)
        with pytest.raises(NotFound, match="answers 404: no route"):
            api.verify("late@1", against=by_header.given["against"], header="Seldon-Model: other")


def test_a_header_may_hold_a_secret(api: Workbench, urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SESSION", "s3cret-session")

    def signed_in(request: Request) -> str | None:
        return f"{urls['1']}{request.url.path}" if request.headers.get("cookie") == "id=s3cret-session" else None

    with ingress(signed_in) as place:
        said = api.verify("late@1", against=place, header=["Cookie: id=${SESSION}", "X-Team: risk"])
        assert EQUAL in str(said)
        assert "s3cret" not in str(said.to_json())
        for wrong in ("Host", "Ho st: x", "X-Name: h\xe9", "X-Name: a\nb"):
            with pytest.raises(UsageError, match="--header takes a name and a value"):
                api.verify("late@1", against=place, header=wrong)
        with pytest.raises(UsageError, match="needs the variable NO_SUCH_ONE"):
            api.verify("late@1", against=place, header="Cookie: ${NO_SUCH_ONE}")
    with pytest.raises(UsageError, match="--header is for --against"):
        api.verify("late@1", header="Host: x")
