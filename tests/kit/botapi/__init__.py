"""A Telegram of the tests' own."""
