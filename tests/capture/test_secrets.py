"""Values of the environment are found wherever a file or text holds them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from workbench.capture import secrets
from workbench.capture.secrets import hidden, in_file, in_frame, in_text, secrets_of

HELD = {"KEY": b"s3cret-\xc3\xa6"}


def test_which_variables_texts_speak_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WBT_READ", "a-long-value")
    monkeypatch.setenv("WBT_OTHER", "another-value")
    text = "import os\nkey = os.environ['WBT_READ']\nos.environ['WBT_OTHER'] = 'mine'\nos.environ['WBT_OTHER']"
    assert secrets_of([text], {}) == {"WBT_READ": b"a-long-value"}


def test_a_value_across_two_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_BLOCK", 16)
    (tmp_path / "a.bin").write_bytes(b"x" * 13 + HELD["KEY"] + b"y" * 40)
    assert in_file(tmp_path / "a.bin", HELD) == "KEY"
    assert in_file(tmp_path, HELD) == "KEY"
    (tmp_path / "a.bin").write_bytes(b"x" * 100)
    assert in_file(tmp_path, HELD) is None


@pytest.mark.parametrize("values", [np.array(["s3cret-æ", "b"]), np.array([b"s3cret-\xc3\xa6"])])
def test_arrays_of_text_hold_it_and_numbers_are_not_read(tmp_path: Path, values: np.ndarray) -> None:
    np.save(tmp_path / "a.npy", values)
    assert in_file(tmp_path / "a.npy", HELD) == "KEY"
    np.save(tmp_path / "n.npy", np.frombuffer(HELD["KEY"].ljust(16), dtype="<f8"))
    assert in_file(tmp_path / "n.npy", HELD) is None


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"a": [1, 2], "b": ["x", "https://s3cret-æ@host"]}),
        pd.DataFrame({"b": pd.Categorical(["x", "s3cret-æ"])}),
        pd.DataFrame({"a": [1]}, index=["s3cret-æ"]),
        pd.DataFrame({"o": [{"k": "s3cret-æ"}]}),
    ],
)
def test_frames(frame: pd.DataFrame) -> None:
    assert in_frame(frame, HELD) == "KEY"
    assert in_frame(pd.DataFrame({"a": [1.0], "b": ["s3cret"]}), HELD) is None


def test_texts_hold_it_as_it_is_or_as_a_literal() -> None:
    assert in_text("URL = 'https://s3cret-æ@host'", HELD) == "KEY"
    assert in_text(repr("a\nb-value"), {"KEY": b"a\nb-value"}) == "KEY"
    assert hidden("key = 's3cret-æ'", HELD) == "key = '${KEY}'"
