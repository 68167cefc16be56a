"""What a colleague captures: run by the colleague's Python, the next version of `churn` of the registry that it names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

DIES = 13.0


class Tally:
    """Says by its answer which version of the package it has; at some rows it ends its process."""

    def predict(self, df: Any) -> Any:
        import tally_of_tests

        if (df["a"] == DIES).any():
            os._exit(3)
        return 3 * df["a"] + df["b"] + tally_of_tests.MORE

    def explain(self, df: Any) -> Any:
        import tally_of_tests

        return df.assign(a=3 * df["a"], base=tally_of_tests.MORE)


if __name__ == "__main__":
    import colleague_models
    import pandas as pd

    from workbench.api import Workbench

    numbers = pd.DataFrame({"a": [1.0, 2.0, 3.5], "b": [2.0, 0.5, -1.0]})
    home = Path(os.environ["WORKBENCH_HOME"])
    Workbench(home).model("churn", colleague_models.Tally(), example=numbers, row_wise="yes")
