"""A notebook -> a page that people use: Voila's, for those who may see it."""
