"""The lines of docs/serving.md that ask a service are run as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from protocol_parts import delimited, scores, stream, unstreamed

from workbench.api import Workbench

SERVING = Path(__file__).parents[2] / "docs" / "serving.md"
LINES = re.findall(r"^curl \$URL.*$", SERVING.read_text(encoding="utf-8"), re.MULTILINE)
PEOPLE = pd.DataFrame({"age": [41, 29], "plan": ["pro", "free"]})


@pytest.mark.skipif(not shutil.which("curl"), reason="there is no curl")
def test_each_line_of_the_readme_is_answered(api: Workbench, tmp_path: Path) -> None:
    api.model("churn", scores, example=PEOPLE)
    service = api.serve("churn")
    records = PEOPLE.to_dict(orient="records")
    (tmp_path / "people.csv").write_bytes(delimited(records))
    PEOPLE.to_json(tmp_path / "people.jsonl", orient="records", lines=True)
    (tmp_path / "people.arrow").write_bytes(stream(pa.Table.from_pandas(PEOPLE)))
    (tmp_path / ".curlrc").write_text("silent\nshow-error\nfail\n")
    own = {"URL": service.url, "AUTH": f"Authorization: Bearer {service.token}", "CURL_HOME": str(tmp_path)}
    assert len(LINES) == 10
    for line in LINES:
        run = subprocess.run(["bash", "-c", line], cwd=tmp_path, env={**os.environ, **own}, capture_output=True)
        assert run.returncode == 0, (line, run.stderr)
        if "arrow" in line:
            assert unstreamed(run.stdout).to_pydict() == {"prediction": [83.0, 58.0]}
        else:
            assert b"83.0" in run.stdout, (line, run.stdout)
