"""A model's function and a table -> predictions; each bundle carries a copy, so that it needs nothing else of ours."""
