"""Files that programs leave behind: finding them by a pattern, and testing whether they are whole."""
