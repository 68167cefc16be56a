"""A loaded model's estimators -> the same ones, answering by a quicker computation where that was proven equal."""
