"""Backups: what is to be kept, how often, what became of it, and whether that is good enough."""
