"""What the checks that use the network share: one deadline, checked addresses, timed stages, bounded bodies."""
