"""Independent answers, hard Hamiltonians and broken files: what tests and benchmarks share.

Nothing else in topophys imports it, and it promises nothing to users: names may change at any time.
The oracles need mpmath, some readers of broken files h5py and pytest.
"""
