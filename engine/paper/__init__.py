"""A book that goes on: the account of several sleeves, one bar after another, and the proof of it."""
