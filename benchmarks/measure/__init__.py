"""What the figures are taken with: clients that are cheaper than any server, floors, and what the kernel counts."""
