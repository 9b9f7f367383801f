"""Bloch Hamiltonians: Fourier form, named models, random ensembles."""
