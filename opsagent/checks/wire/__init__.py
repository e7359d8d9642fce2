"""What several kinds of check share: one deadline, checked addresses, timed stages, few connections to systemd."""
