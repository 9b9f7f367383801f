"""Bloch Hamiltonians: Fourier form, functions of k, files of Wannier90, named models."""
