"""`workbench.client`: whatever rows are given, the answer is what the offline prediction says, in the same kind."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from client_models import AWKWARD, everything, everything_together, images, wide
from customer_models import CUSTOMERS, array_model, frame_model
from ports import free_port
from serving_parts import FAILS, Moody, first, second
from serving_parts import NUMBERS as ROWS
from waiting import until

import workbench
from workbench.api import Workbench
from workbench.data.client import Client
from workbench.errors import BadInput, ModelFailed, NotFound, NotProven, UsageError
from workbench.faces.functions import function

NUMBERS = np.arange(30.0).reshape(10, 3) / 7
IMAGES = np.arange(60, dtype=np.float32).reshape(5, 4, 3)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    api = Workbench(tmp_path_factory.mktemp("home"))
    api.model("churn", frame_model, example=CUSTOMERS, row_wise="yes")
    api.model("everything", everything, example=AWKWARD)
    api.model("sums", array_model, example=NUMBERS)
    api.model("wide", wide, example=NUMBERS)
    api.model("images", images, example=IMAGES)
    for name in ("churn", "everything", "sums", "wide", "images"):
        api.serve(name)
    yield api
    api.shutdown(all=True)


def client_of(api: Workbench, where: str, **how: Any) -> Client:
    made: Client = function("client", lambda: api)(where, **how)
    return made


@pytest.fixture
def client(api: Workbench) -> Iterator[Any]:
    made: list[Client] = []

    def of(name: str, **how: Any) -> Client:
        made.append(client_of(api, name, **how))
        return made[-1]

    yield of
    for one in made:
        one.close()


def test_a_frame_is_answered_with_the_dtypes_and_the_index_of_offline(api: Workbench, client: Any) -> None:
    given = AWKWARD.set_axis([f"row {n}" for n in range(len(AWKWARD))])
    expected = api.predict("everything", given)
    answered = client("everything").predict(given)
    pd.testing.assert_frame_equal(answered, expected[[f"its_{name}" for name in AWKWARD]])


def test_one_value_per_row_is_a_series_or_an_array(api: Workbench, client: Any) -> None:
    asking = client("sums")
    expected = api.predict("sums", NUMBERS)["prediction"]
    assert np.array_equal(asking.predict(NUMBERS), expected.to_numpy())
    assert np.array_equal(asking.predict(NUMBERS.tolist()), expected.to_numpy())
    frame = pd.DataFrame(NUMBERS, columns=["x_0", "x_1", "x_2"], index=range(100, 110))
    pd.testing.assert_series_equal(asking.predict(frame), expected.set_axis(frame.index))
    assert client("wide").predict(NUMBERS).shape == (10, 2)


def test_arrays_of_more_dimensions(api: Workbench, client: Any) -> None:
    assert np.array_equal(client("images").predict(IMAGES), api.predict("images", IMAGES)["prediction"].to_numpy())


def test_records_are_answered_with_records_and_columns_with_columns(api: Workbench, client: Any) -> None:
    asking = client("churn")
    records = json.loads(CUSTOMERS.to_json(orient="records", date_format="iso", double_precision=15))
    expected = api.predict("churn", CUSTOMERS)[["score", "label", "months"]].to_dict(orient="records")
    assert asking.predict(records) == expected
    assert asking.predict(records[0]) == expected[0]
    columns = asking.predict({name: list(CUSTOMERS[name]) for name in CUSTOMERS})
    assert columns["label"].tolist() == [row["label"] for row in expected]


def test_no_rows_are_answered_with_none(client: Any) -> None:
    answered = client("churn").predict(CUSTOMERS.iloc[:0])
    assert list(answered) == ["score", "label", "months"]
    assert len(answered) == 0
    assert answered["score"].dtype == float
    assert client("churn").predict([]) == []
    assert client("sums").predict(NUMBERS[:0]).shape == (0,)


def test_many_rows_are_split_to_what_the_service_takes(api: Workbench) -> None:
    service = api.serve("churn", name="narrow", max_body=0.01)
    many = pd.concat([CUSTOMERS] * 500, ignore_index=True)
    with workbench.client(service.url, str(service.token)) as asking:
        answered = asking.predict(many)
        requests = service.refresh().to_json()["figures"]["requests"]
    pd.testing.assert_frame_equal(answered, api.predict("churn", many)[list(answered)])
    assert requests > 3000 * 50 / 10_000, "each body is small enough"
    service.stop()


def test_a_model_that_sees_rows_together_is_not_asked_in_parts(api: Workbench) -> None:
    api.model("centred", everything_together, example=pd.DataFrame({"a": np.arange(200.0)}))
    service = api.serve("centred", max_body=0.01)
    many = pd.DataFrame({"a": np.linspace(0, 1, 5000)})
    with client_of(api, "centred") as asking:
        with pytest.raises(BadInput, match="must see together") as refused:
            asking.predict(many)
        assert "--max-body" in str(refused.value.fix)
        pd.testing.assert_series_equal(asking.predict(many[:100]), api.predict("centred", many[:100])["prediction"])
    service.stop()


def test_what_does_not_fit_names_column_and_row(client: Any) -> None:
    wrong = CUSTOMERS.astype({"age": object})
    wrong.loc[4, "age"] = "old"
    with pytest.raises(BadInput) as refused:
        client("churn").predict(wrong)
    assert (refused.value.column, refused.value.row) == ("age", 4)
    with pytest.raises(BadInput, match="'city'"):
        client("churn").predict(CUSTOMERS.drop(columns="city"))
    with pytest.raises(UsageError, match="no names"):
        client("churn").predict([[1, 2]])


def test_the_models_own_failure_is_told(api: Workbench, tmp_path: Any) -> None:
    api.model("moody", Moody(str(tmp_path)), example=pd.DataFrame({"age": [1.0, 2.0, 3.0]}))
    service = api.serve("moody")
    with client_of(api, "moody") as asking, pytest.raises(ModelFailed, match="thirteen is too many"):
        asking.predict(pd.DataFrame({"age": [float(FAILS)]}))
    service.stop()


def test_tokens_and_addresses(api: Workbench, client: Any) -> None:
    service = api.deployments()[0]
    assert client(service.url).predict(CUSTOMERS) is not None, "its token is known at home"
    assert client(service.url.removeprefix("http://")).about.model
    assert client(service.url + "/predict").about.model
    for token, says in ((None, "asks for a token"), ("wrong", "refuses the token")):
        with Client(service.url, token) as asking, pytest.raises(UsageError, match=says) as refused:
            asking.predict(CUSTOMERS)
        assert "wrong" not in str(refused.value)
    with pytest.raises(NotFound):
        client_of(api, "nothing")


def test_who_is_not_there_and_who_is_another(api: Workbench) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    with Client(nobody) as asking, pytest.raises(NotFound, match="cannot be reached"):
        asking.predict(CUSTOMERS)
    assert "cannot be reached" in repr(Client(nobody))


def test_a_busy_service_is_asked_again(api: Workbench, tmp_path: Any) -> None:
    moody = Moody(str(tmp_path))
    api.model("slow", moody, example=pd.DataFrame({"age": [1.0, 2.0, 3.0]}))
    service = api.serve("slow", max_queue=1)
    open(moody.gate, "w").close()
    answers: list[Any] = []
    with client_of(api, "slow") as asking, client_of(api, "slow", timeout=1) as impatient:
        asks = [threading.Thread(target=lambda: answers.append(asking.predict({"age": 77.0})))]
        asks[0].start()
        until(lambda: os.path.exists(moody.inside))
        asks += [
            threading.Thread(target=lambda age=age: answers.append(asking.predict({"age": age})))
            for age in (1.0, 2.0, 3.0)
        ]
        for one in asks[1:]:
            one.start()
        until(lambda: service.refresh().to_json()["figures"]["refused"] > 0)
        with pytest.raises(NotProven, match=r"busy|did not answer"):
            impatient.predict({"age": 4.0})
        os.unlink(moody.gate)
        for one in asks:
            one.join()
    assert sorted(answer["prediction"] for answer in answers) == [2.0, 4.0, 6.0, 154.0]
    service.stop()


def test_it_follows_a_promotion(api: Workbench) -> None:
    api.model("turned", first, example=ROWS)
    service = api.serve("turned")
    with client_of(api, "turned") as asking:
        before = asking.predict(ROWS)
        api.model("turned", second, example=ROWS)
        api.promote("turned@2")
        assert (asking.predict(ROWS) - before).tolist() == [1000.0] * 3
        assert asking.about.version == "2"
    service.stop()


def test_it_can_be_awaited_and_used_where_a_loop_runs(api: Workbench, client: Any) -> None:
    asking = client("churn")

    async def both() -> tuple[Any, Any]:
        return asking.predict(CUSTOMERS), await asking.apredict(CUSTOMERS)

    now, awaited = asyncio.run(both())
    pd.testing.assert_frame_equal(now, awaited)


def test_its_card_says_what_it_asks_and_hides_the_token(api: Workbench, client: Any) -> None:
    card = repr(client("churn"))
    token = next(str(service.token) for service in api.deployments() if service.name == "service/churn")
    assert "churn@1" in card
    assert "age (whole number)" in card
    assert token not in card


def test_the_certificate_of_a_service_of_ours_is_trusted(api: Workbench, tmp_path: Path) -> None:
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=elsewhere", "-keyout"]
    subprocess.run([*make, key, "-out", cert], check=True, capture_output=True)
    service = api.serve("sums", name="safe", tls_cert=cert, tls_key=key)
    with client_of(api, "safe") as asking:
        assert asking.url.startswith("https://")
        assert len(asking.predict(NUMBERS)) == len(NUMBERS)
    with Client(service.url, str(service.token)) as stranger, pytest.raises(NotFound, match="certificate"):
        stranger.predict(NUMBERS)
    service.stop()
