"""The pure core: no clock, no I/O, no logging; values in, events out."""
