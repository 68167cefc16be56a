"""A place -> tables in pieces, and back; used by every pattern."""
