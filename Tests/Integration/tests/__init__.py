"""The tests, one file for each promise."""
