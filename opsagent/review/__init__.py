"""The daily review of the logs: a program of its own, because reading a day of logs must not stay in the daemon."""
