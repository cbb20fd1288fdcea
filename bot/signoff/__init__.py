"""What a clinician prints, checks and signs."""
