"""Examples of a queue -> a model that learns them while its versions answer."""
