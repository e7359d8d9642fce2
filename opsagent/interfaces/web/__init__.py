"""A door for programs that speak HTTP: small, bounded, and closed unless the settings open it."""
