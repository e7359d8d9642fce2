"""Where people and programs meet the daemon: the command line and the control socket. Nothing imports this room."""
