"""Where log lines come from, and what is kept of them from one look to the next."""
