"""Benches: what the promises cost and hold, each beside a peer where one is installed. `python -m bench`."""
