"""Backups are made, brought back and proven here, as root, by a program of its own: never by the daemon."""
