"""Requests -> micro-batches -> predictions -> responses."""
