"""The failure archive's pattern files: read safely, and their expressions compared with lines."""
