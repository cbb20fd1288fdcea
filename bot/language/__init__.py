"""Words for patients and nurses, in every language."""
