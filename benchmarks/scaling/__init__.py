"""A pattern on an engine, by Workbench and by hand -> how many rows, requests or records a second."""
