"""A place that others write to and read from -> records in order, by group; each client library has one home here."""
