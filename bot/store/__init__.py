"""What the service, the console and the reports ask of a store."""
