"""A predictor and its input -> predictions, in the foreground; the patterns know no jobs and not each other."""
