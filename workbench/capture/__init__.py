"""A cell and its namespace -> a CapturedModel; never sees a shell object."""
