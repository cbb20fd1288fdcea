"""Databases as earlier versions left them. `freeze` says how they were made, `thaw` gives one back."""
