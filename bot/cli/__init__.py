"""The command cordwatch."""
