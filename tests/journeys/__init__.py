"""The real process from outside: over the wire, in a browser, killed."""
