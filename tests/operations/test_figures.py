"""What a service has done and does now, in words."""

from __future__ import annotations

from workbench.operations import figures

SEEN = {"requests": 7, "failures": 0, "refused": 0, "p50": 0.001, "p99": 0.02, "waiting": 0, "calling": 0.0}


def test_figures_in_words() -> None:
    assert figures.words(SEEN) == "7 requests · p50 1.0 ms · p99 20 ms"
    assert figures.words(SEEN | {"failures": 2, "refused": 3}).endswith("2 failed · 3 refused")
    long = figures.words(SEEN | {"requests": 0, "p50": None, "p99": None, "waiting": 5, "calling": 40.0})
    assert long == "0 requests · 5 wait · the model has been in one call for 40.0 s"
    assert not figures.words(SEEN | {"requests": 0, "calling": 0.2})
    assert not figures.words({})


def test_where_the_time_went_in_words() -> None:
    stages = {"queue": 0.0612, "decode": 0.00012, "model": 0.0213, "encode": 0.0012}
    assert figures.split(1.2041, stages) == "p50 1 204 ms = queue 61 + decode 0.12 + model 21 + encode 1.2"
