"""Which version answers which request: a table of shares, or a bandit that goes by what each has earned."""
