"""What every web page shares."""
