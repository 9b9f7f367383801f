"""Readers against changed files, memory limits, and Ctrl-C."""
