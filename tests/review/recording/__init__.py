"""How the two recorded days were made."""
