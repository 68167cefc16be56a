"""A store or a notebook -> predictions or an executed notebook, in chunks that survive a kill."""
