"""What must hold after anything, in any order."""
