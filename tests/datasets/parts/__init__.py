"""Data sets in several files: made apart, joined, read as one, checked part by part."""
