"""What is computed quickly is what scikit-learn computes, to the bit and in its type; what it refuses is refused in
its words."""

from __future__ import annotations

import copy
import pickle
import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from fitted import KINDS, MIXED, NAMES, NUMBER, TWO, X, fitted, quickened, table_model
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler

FRAME = pd.DataFrame(X, columns=NAMES)
METHODS = ("predict", "predict_proba", "decision_function", "transform")
WAYS = [pytest.param(name, False, id=name) for name in KINDS]
WAYS += [pytest.param(name, True, id=f"{name}-of-frames") for name in list(KINDS)[::3]]

numbers = st.floats(allow_nan=True, allow_infinity=True) | st.floats(-1000, 1000) | st.sampled_from([0.0, -0.0, 1e39])
sizes = st.sampled_from([1, 1, 2, 3, 7, 32])


@st.composite
def rows(draw: st.DrawFn) -> Any:
    """Rows as somebody may give them: mostly good ones, of another length, type, layout or container."""
    size = draw(sizes)
    made = X[draw(st.integers(0, 200)) :][:size].copy()
    for _ in range(draw(st.integers(0, 2))):
        made[draw(st.integers(0, size - 1)), draw(st.integers(0, 3))] = draw(numbers)
    with np.errstate(all="ignore"):
        made = made.astype(draw(st.sampled_from(["f8", "f8", "f8", "f4", "i8", "i4", "f2", "O"])))
    made = made[:, : draw(st.sampled_from([4, 4, 4, 4, 3]))]
    return draw(st.sampled_from(CONTAINERS))(made)


def named(made: Any, names: list[str] = NAMES) -> pd.DataFrame:
    return pd.DataFrame(made, columns=names[: made.shape[1]])


CONTAINERS = [
    np.ascontiguousarray,
    np.asfortranarray,
    lambda made: np.repeat(made, 2, axis=0)[::2],
    named,
    named,
    lambda made: named(made, NAMES[::-1]),
    lambda made: named(made).astype({"a": "float32"}),
    lambda made: named(made).convert_dtypes() if made.dtype != object else named(made),
    lambda made: made.tolist(),
    lambda made: made[:0],
    lambda made: sparse.csr_matrix(np.nan_to_num(made.astype(float))),
    pd.DataFrame,
]


def outcome(estimator: Any, method: str, given: Any) -> Any:
    """The answer, or the error; and what was warned of."""
    given = copy.deepcopy(given)
    with warnings.catch_warnings(record=True, action="always") as told, np.errstate(all="ignore"):
        try:
            answer = getattr(estimator, method)(given)
        except Exception as error:
            answer = (type(error), str(error))
    return answer, sorted({str(warning.message) for warning in told})


def same(a: Any, b: Any) -> bool:
    """Bit for bit, nan like nan, in the same type."""
    if not isinstance(a, np.ndarray):
        return bool(a == b) if not sparse.issparse(a) else bool((a != b).nnz == 0 and a.format == b.format)
    if a.dtype != b.dtype or a.shape != b.shape:
        return False
    if a.dtype.kind != "f":
        return bool((a == b).all())
    return bool((((a == b) & (np.signbit(a) == np.signbit(b))) | (np.isnan(a) & np.isnan(b))).all())


def check(plain: Any, quick: Any, given: Any) -> None:
    for method in METHODS:
        if hasattr(plain, method):
            (expected, warned), (found, told) = (outcome(each, method, given) for each in (plain, quick))
            assert same(expected, found), f"{method}: {expected} against {found}"
            assert warned == told


@pytest.mark.parametrize(("name", "of_frames"), WAYS)
def test_any_rows_get_the_same_answer_or_refusal(name: str, of_frames: bool) -> None:
    plain = fitted(name, of_frames=of_frames)
    quick, _ = quickened(plain)

    @settings(max_examples=15, deadline=None, database=None, derandomize=True)
    @given(rows())
    def ask(given: Any) -> None:
        check(plain, quick, given)

    ask()


@pytest.mark.parametrize(("name", "of_frames"), WAYS)
def test_good_rows_of_every_number_are_answered_quickly(name: str, of_frames: bool) -> None:
    plain = fitted(name, of_frames=of_frames)
    quick, swapped = quickened(plain)
    for size in (1, 2, 3, 7, 32, 1000):
        good = np.random.default_rng(size).normal(size=(size, 4)) * [1, 10, 0.1, 1000]
        check(plain, quick, named(good) if of_frames else good)
    several = getattr(plain, "n_outputs_", 1) > 1  # of trees, which have another way to say it
    in_place = getattr(plain, "copy", True) is False
    assert any(each.answered for each in swapped) == bool(swapped and not several and not in_place)


@pytest.mark.parametrize(
    "how", [{}, {"sparse": True}, {"unknown": "error"}, {"unknown": "infrequent_if_exist"}, {"rest": "passthrough"}]
)
def test_a_table_of_numbers_and_texts(how: dict[str, Any]) -> None:
    plain = table_model(**how)
    quick, swapped = quickened(plain)
    unseen = MIXED[:5].assign(s=["red", "red", "violet", "blue", "red"])
    missing = MIXED[:5].assign(s=["red", None, np.nan, "blue", "red"])
    infinite = MIXED[:5].assign(a=[1, np.inf, 2, 3, 4.0])
    turned, more, less = MIXED[:5][["t", "s", "n", "b", "a"]], MIXED[:5].assign(z=1), MIXED[:5].drop(columns="s")
    whole, logical = MIXED[:5].assign(a=range(5)), MIXED[:5].assign(a=[True, False] * 2 + [True])
    for asked in (MIXED, MIXED[:1], unseen, missing, infinite, turned, more, less, whole, logical, MIXED[:0]):
        check(plain, quick, asked)
    assert any(each.name == "ColumnTransformer" and each.answered for each in swapped) == (not how.get("sparse"))


def test_an_encoder_that_gives_arrays() -> None:
    plain = OneHotEncoder(sparse_output=False, handle_unknown="ignore").fit(MIXED[["s", "t"]])
    quick, (swapped,) = quickened(plain)
    for asked in (MIXED[["s", "t"]], MIXED[["t", "s"]], MIXED[["s", "t"]].assign(s="violet")):
        check(plain, quick, asked)
    assert swapped.answered == {"transform"}
    for other in (OneHotEncoder(drop="first"), OneHotEncoder(min_frequency=100, sparse_output=False), OneHotEncoder()):
        plain = other.fit(MIXED[["s", "n"]])
        check(plain, quickened(plain)[0], MIXED[["s", "n"]])


def test_frames_are_given_where_they_were_asked_for() -> None:
    plain = StandardScaler().set_output(transform="pandas").fit(FRAME)
    quick, (swapped,) = quickened(plain)
    pd.testing.assert_frame_equal(plain.transform(FRAME), quick.transform(FRAME))
    usual = StandardScaler().fit(FRAME)
    with sklearn.config_context(transform_output="pandas"):
        pd.testing.assert_frame_equal(usual.transform(FRAME), quickened(usual)[0].transform(FRAME))
    assert not swapped.answered


def test_it_is_what_it_was_to_whoever_looks() -> None:
    plain = LogisticRegression(C=0.5).fit(X, TWO)
    quick, (swapped,) = quickened(plain)
    assert isinstance(quick, LogisticRegression)
    assert (type(quick).__name__, type(quick).__module__, repr(quick)) == (
        "LogisticRegression",
        type(plain).__module__,
        repr(plain),
    )
    assert quick.get_params() == plain.get_params()
    assert vars(quick).keys() == vars(plain).keys()
    for copied in (pickle.loads(pickle.dumps(quick)), copy.deepcopy(quick)):
        assert type(copied) is LogisticRegression
    assert sklearn.clone(quick).fit(X, TWO).predict_proba(X).tolist() == plain.predict_proba(X).tolist()
    assert quick.predict_proba(X=X[:2]).tolist() == plain.predict_proba(X[:2]).tolist()
    assert "predict_proba" not in swapped.answered, "a copy, and a name for its rows, are not what was proven"


def test_what_is_learned_later_is_what_is_answered() -> None:
    plain = LogisticRegression().fit(X, TWO)
    quick, (swapped,) = quickened(plain)
    before = quick.predict_proba(X[:3])
    for each in (plain, quick):
        each.fit(X[:, :3], NUMBER > 1)
    check(plain, quick, X[:5, :3])
    check(plain, quick, X[:5])
    assert swapped.answered
    assert not same(before, quick.predict_proba(X[:3, :3]))


def test_it_can_be_switched_off() -> None:
    quick, (swapped,) = quickened(fitted("0-LogisticRegression"), on=False)
    check(fitted("0-LogisticRegression"), quick, X[:3])
    assert not swapped.answered
