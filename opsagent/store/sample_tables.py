"""The tables of the samples."""

STEPS = {
    1: """
CREATE TABLE checks(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE recent(check_id INTEGER, at INTEGER, status INTEGER, value REAL, class TEXT,
  PRIMARY KEY(check_id, at)) WITHOUT ROWID;
CREATE TABLE full(id INTEGER PRIMARY KEY, check_id INTEGER, first INTEGER, last INTEGER, data BLOB);
CREATE TABLE summed(id INTEGER PRIMARY KEY, check_id INTEGER, first INTEGER, last INTEGER, data BLOB);
CREATE INDEX full_check ON full(check_id, last);
CREATE INDEX full_last ON full(last);
CREATE INDEX summed_check ON summed(check_id, last);
CREATE INDEX summed_last ON summed(last)
""",
}
"""What leads to each version of the schema (store/migration.py)."""
VERSION = max(STEPS)
