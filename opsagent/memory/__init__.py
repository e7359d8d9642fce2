"""The Markdown that people and agents read: a projection of the event log, written so that nobody's line is lost."""
