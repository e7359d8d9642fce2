"""What must outlive the process: the event log, the outbox, the samples, the spool and the instance lock."""
