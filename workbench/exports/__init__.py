"""A model, a deployment or a schedule -> a folder that another platform runs it from."""
