"""Input made to break what reads it."""
