"""What happened in a process -> figures that others read."""
