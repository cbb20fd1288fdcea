"""Whole chats that a nurse can read and sign."""
