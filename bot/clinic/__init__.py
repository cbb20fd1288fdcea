"""The clinic's settings and working time."""
