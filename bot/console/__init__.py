"""The nurse's console: pages to find what cannot wait, to understand it, to act, and to prove that nobody was left out.

Every write to a patient's session goes through `Service.review`; what a page shows comes from the read-only connection.
"""
