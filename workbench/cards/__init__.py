"""Something that runs, or a version -> its card: HTML that stands by itself, and that a page can keep up to date."""
