"""Tools for translators and reviewers."""
