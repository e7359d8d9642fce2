"""The status page: how this host stands and how its last days were, for people who only look."""
