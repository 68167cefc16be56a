"""What a notebook set around its model holds while it answers, in every thread, and at no other time."""

from __future__ import annotations

import asyncio
import decimal
import threading
import warnings
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from workbench.inference.surroundings import captured_function, held, warned


def captured(predict: Any, **around: Any) -> ModuleType:
    module = ModuleType("wb_test")
    vars(module).update(predict=predict, **around)
    return module


def patched(value: Any) -> dict[str, Any]:
    return {"__patches__": ((pd.DataFrame, "peek", value),)}


def test_a_patch_is_there_while_the_model_answers_and_gone_afterwards() -> None:
    function = captured_function(captured(lambda df: df.peek(), **patched(lambda df: len(df))), "predict", "function")
    assert function(pd.DataFrame({"a": [1, 2]})) == 2
    assert not hasattr(pd.DataFrame, "peek")


def test_what_was_there_before_comes_back_also_after_an_error() -> None:
    def fails(_: Any) -> None:
        raise ValueError(decimal.getcontext().prec)

    before, settings = pd.DataFrame.head, (lambda: decimal.localcontext(prec=5),)
    around = {"__patches__": ((pd.DataFrame, "head", len),), "__settings__": settings}
    with pytest.raises(ValueError, match="5"):
        captured_function(captured(fails, **around), "predict", "function")(None)
    assert pd.DataFrame.head is before
    assert decimal.getcontext().prec != 5


def test_the_last_thread_to_leave_takes_a_patch_back() -> None:
    inside, go = threading.Barrier(3), threading.Event()
    found: list[int] = []

    def predict(df: Any) -> None:
        inside.wait(10)
        assert go.wait(10)
        found.append(df.peek())

    function = captured_function(captured(predict, **patched(lambda df: len(df))), "predict", "function")
    threads = [threading.Thread(target=function, args=(pd.DataFrame({"a": range(n)}),)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    inside.wait(10)
    assert hasattr(pd.DataFrame, "peek")
    go.set()
    for thread in threads:
        thread.join(10)
    assert sorted(found) == [1, 2]
    assert not hasattr(pd.DataFrame, "peek")


def test_a_coroutine_ends_inside() -> None:
    async def predict(df: Any) -> Any:
        await asyncio.sleep(0)
        return df.peek()

    function = captured_function(captured(predict, **patched(lambda df: 7)), "predict", "function")
    assert function(pd.DataFrame()) == 7


def test_a_switch_of_the_process_is_what_it_was_once_all_have_left() -> None:
    switch, inside, go = [1], threading.Event(), threading.Event()
    read, set_ = switch.copy, switch.__init__

    def slow() -> None:
        with held(read, set_, [7]):
            inside.set()
            assert go.wait(10)

    thread = threading.Thread(target=slow)
    try:
        with held(read, set_, [5]):
            thread.start()
            assert inside.wait(10)
            assert switch == [7]
        assert switch == [7]
    finally:
        go.set()
        thread.join()
    assert switch == [1]


def test_filters_of_warnings_count_in_their_order_and_only_meanwhile() -> None:
    before = list(warnings.filters)
    with warned(("error", "bad", UserWarning, "", 0), ("ignore", "", Warning, "", 0)):
        warnings.warn("quiet", stacklevel=1)
        with pytest.raises(UserWarning, match="bad"):
            warnings.warn("bad", stacklevel=1)
    assert warnings.filters == before
