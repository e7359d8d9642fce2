"""What root's own units run that the settings ask for: programs of their own, never the daemon."""
