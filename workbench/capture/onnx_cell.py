"""The text of a cell that uses an ONNX file, as a person would write it; `network` is the session that runs it.

It is read as text (see `adapters`) and becomes the `model.py` of its version: nothing here imports Workbench.
"""

from itertools import chain
from typing import Any

import numpy as np
import pandas as pd

network: Any = None
DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(string)": "object",
    "tensor(bool)": "bool",
}


class Model:
    """The network: its inputs are columns of the frame, or it has one that takes all of them beside each other."""

    def predict(self, given: Any) -> Any:
        outputs = [output.name for output in network.get_outputs()]
        answers = self.run(outputs, self.feeds(given))
        if len(answers) == 1 and not isinstance(answers[0], list):
            return answers[0].reshape(-1) if answers[0].ndim == 2 and answers[0].shape[1] == 1 else answers[0]
        columns: dict[str, Any] = {}
        for name, answer in zip(outputs, answers, strict=True):
            columns |= self.columns(name, answer)
        return pd.DataFrame(columns)

    def run(self, outputs: list[str], feeds: dict[str, Any]) -> Any:
        step = network.get_inputs()[0].shape[0]
        if not isinstance(step, int):
            return network.run(outputs, feeds)
        rows = len(next(iter(feeds.values())))  # a network that was exported for so many rows at a time
        parts = [{name: values[at : at + step] for name, values in feeds.items()} for at in range(0, rows, step)]
        answers = zip(*(network.run(outputs, part) for part in parts), strict=True)
        return [list(chain(*each)) if isinstance(each[0], list) else np.concatenate(each) for each in answers]

    def feeds(self, given: Any) -> dict[str, Any]:
        inputs = network.get_inputs()
        if len(inputs) == 1 and (not hasattr(given, "keys") or inputs[0].name not in given):
            return {inputs[0].name: self.tensor(inputs[0], given)}
        return {one.name: self.tensor(one, given[one.name]) for one in inputs}

    def tensor(self, wanted: Any, values: Any) -> Any:
        dtype = DTYPES.get(wanted.type, wanted.type.removeprefix("tensor(").removesuffix(")"))
        made = np.asarray(values).astype(dtype)
        return made.reshape(-1, 1) if made.ndim == 1 and len(wanted.shape) == 2 else made

    def columns(self, name: str, answer: Any) -> dict[str, Any]:
        if isinstance(answer, list):  # the scores of classes, a dict for each row
            return {f"{name}_{label}": [row[label] for row in answer] for label in answer[0]}
        flat = answer.reshape(len(answer), -1)
        return {name: flat[:, 0]} if flat.shape[1] == 1 else {f"{name}_{i}": flat[:, i] for i in range(flat.shape[1])}
