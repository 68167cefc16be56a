"""What a person asks -> what should run, its process, and a handle on it."""
