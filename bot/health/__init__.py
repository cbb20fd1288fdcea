"""What the service knows of itself: whether everybody who wrote was answered, and what an administrator is to do."""
