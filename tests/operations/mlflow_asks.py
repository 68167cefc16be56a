"""MLflow's own client asks two services, of a frame and of an array; run by a Python that has MLflow, without ours."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pandas as pd
import requests
from customer_models import CUSTOMERS, array_model, frame_model
from mlflow.pyfunc.scoring_server import CONTENT_TYPE_CSV, CONTENT_TYPE_JSON
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

NUMBERS = np.array([[0.1, 1.5, 2.25], [1e-7, 0.3, 0.0], [4.0, 5.5, -0.2]])


def frames(client: ScoringServerClient) -> None:
    client.ping()
    assert client.get_version().strip()
    client.wait_server_ready(timeout=5)
    expected = frame_model(CUSTOMERS)
    for frame in (CUSTOMERS, CUSTOMERS.set_index(pd.Index(list("uvwxyz"))), CUSTOMERS[CUSTOMERS.columns[::-1]]):
        found = client.invoke(frame, params={"deep": True}).get_predictions()
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-14)
    assert "column 'age', row 0: 'old'" in refused(client, CUSTOMERS.assign(age="old"))


def refused(client: ScoringServerClient, data: Any) -> str:
    """What the client raises."""
    try:
        client.invoke(data)
    except Exception as error:
        return str(error)
    return ""


def arrays(client: ScoringServerClient) -> None:
    expected = array_model(NUMBERS)
    given = [NUMBERS, NUMBERS.tolist(), pd.DataFrame(NUMBERS), pd.DataFrame(NUMBERS, columns=list("abc"))]
    for data in given:
        found = client.invoke(data).get_predictions(predictions_format="ndarray")
        assert np.allclose(np.ravel(found), expected, rtol=1e-14), found


def by_hand(url: str) -> None:
    """What MLflow's tests of its own server ask of it."""

    def asked(content: Any, type: str) -> requests.Response:
        body = content if isinstance(content, str) else json.dumps(content)
        return requests.post(f"{url}/invocations", data=body.encode(), headers={"Content-Type": type})

    split = {"dataframe_split": json.loads(CUSTOMERS.to_json(orient="split", date_format="iso"))}
    records = {"dataframe_records": json.loads(CUSTOMERS.to_json(orient="records", date_format="iso"))}
    utf8 = "; charset=UTF-8"
    for content, type in (
        (split, CONTENT_TYPE_JSON),
        (records, CONTENT_TYPE_JSON),
        (CUSTOMERS.to_csv(index=False), CONTENT_TYPE_CSV),
    ):
        assert asked(content, type).status_code == asked(content, type + utf8).status_code == 200, (content, type)
        assert asked(content, type + "; something=something").status_code == 415
    for content in (
        "this is,,,, not valid json",
        [1],
        {"not": "a frame"},
        {"dataframe_records": split["dataframe_split"]},
    ):
        said = asked(content, CONTENT_TYPE_JSON)
        assert (said.status_code, said.json()["error_code"]) == (400, "BAD_REQUEST"), said.text
    assert asked("", CONTENT_TYPE_CSV).json()["error_code"] == "BAD_REQUEST"
    assert asked(split, "not_a_supported_content_type").status_code == 415
    for path in ("/ping", "/health"):
        told = requests.get(url + path)
        assert (told.status_code, told.text) == (200, "\n")


if __name__ == "__main__":
    of_frames, of_arrays = (ScoringServerClient("127.0.0.1", int(port)) for port in sys.argv[1:])
    frames(of_frames)
    arrays(of_arrays)
    by_hand(of_frames.url_prefix)
    print("right")
