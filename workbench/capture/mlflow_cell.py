"""The text of a cell that uses a model folder of MLflow, as a person would write it; `folder` is that folder as a zip.

It is read as text (see `adapters`) and becomes the `model.py` of its version: nothing here imports Workbench.
"""

from typing import Any

folder = b""


class Model:
    """The model in that folder, which is unpacked where it is loaded."""

    def load(self) -> None:
        import io
        import tempfile
        import zipfile

        import mlflow.pyfunc

        self.place = tempfile.TemporaryDirectory(prefix="workbench-")
        zipfile.ZipFile(io.BytesIO(folder)).extractall(self.place.name)
        self.model = mlflow.pyfunc.load_model(self.place.name)

    def predict(self, given: Any) -> Any:
        return self.model.predict(given)
