"""What tests share: a clinic, patients, a Bot API server, a browser."""
