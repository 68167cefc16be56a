"""One typed spec per verb: each option is declared once, and magics, shell and functions are derived from it."""
