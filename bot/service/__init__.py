"""The path of a message, and what follows from it."""
