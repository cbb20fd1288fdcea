"""Measures what a turn costs against what others' bots cost in the same minutes; `python -m tests.bench`."""
