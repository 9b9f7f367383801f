"""Measurements: speed, peers, experiments and quality."""

import os

# what is timed is compiled
os.environ.setdefault("TOPOPHYS_INTERPRET_SECONDS", "0")
