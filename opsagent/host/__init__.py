"""The host's own tongue: systemd, the journal, processes, evidence."""
