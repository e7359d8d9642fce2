"""What people wrote down for the next time: the debugging playbook, and which of it may be run by itself."""
