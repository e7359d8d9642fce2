"""The failure archive as knowledge: one pattern for each kind of failure, written by people, agents and ourselves."""
