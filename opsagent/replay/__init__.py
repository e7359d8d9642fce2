"""What would have happened: the recorded observations go through the real core once more, with other settings."""
