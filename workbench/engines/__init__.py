"""A pattern's work -> the machines of a cluster; each engine takes on some patterns, in modules of its own."""
