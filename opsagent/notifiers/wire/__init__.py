"""How a message leaves the host: one HTTP request with a total deadline, and apprise in a process of its own."""
