"""What stands before every remedy, whatever was decided."""
