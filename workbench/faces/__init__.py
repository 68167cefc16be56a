"""What a person types or clicks -> one call of `api.Workbench`, and its answer or error as text."""
