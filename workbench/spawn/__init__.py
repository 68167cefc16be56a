"""A function's name and its arguments -> a process that ran it, pre-warmed or fresh; knows no model."""
