"""Topological invariants: of sampled arrays, and proven from Fourier coefficients."""
