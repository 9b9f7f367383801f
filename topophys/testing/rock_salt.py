"""A structure in a file, for whatever reads one."""

from __future__ import annotations

POSCAR = """rock salt
1.0
0.0 2.82 2.82
2.82 0.0 2.82
2.82 2.82 0.0
Na Cl
1 1
direct
0.0 0.0 0.0
0.5 0.5 0.5
"""
