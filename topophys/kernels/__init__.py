"""Compiled loops over raw arrays: no checks, no allocation of results, no exceptions."""
