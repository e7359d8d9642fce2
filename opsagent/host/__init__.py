"""The host's own tongue: systemd, its journal, sockets, mounts and pressure, as plain values of the core."""
