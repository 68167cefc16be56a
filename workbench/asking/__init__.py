"""A verb and its options -> the operation that does it; nothing is parsed or printed here."""
