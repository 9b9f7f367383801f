"""A few hundred toy materials, made once."""

import pytest


@pytest.fixture(scope="session")
def toy_file(tmp_path_factory):
    pytest.importorskip("gudhi", reason="needs the extra `materials`")
    pytest.importorskip("spglib", reason="needs the extra `materials`")
    from topophys.materials import generate_toys

    path = tmp_path_factory.mktemp("toys") / "toys.h5"
    generate_toys(path, 600, seed=5, progress=False)
    return path


@pytest.fixture(scope="session")
def toys(toy_file):
    from topophys.materials import load_toys

    return load_toys(toy_file)[0]


@pytest.fixture(scope="session")
def data(toys):
    import numpy as np

    from topophys.materials import toy_data

    return toy_data(toys, np.arange(64))


@pytest.fixture(scope="session")
def solid_file(tmp_path_factory):
    pytest.importorskip("gudhi", reason="needs the extra `materials`")
    pytest.importorskip("spglib", reason="needs the extra `materials`")
    from topophys.materials import generate_toys

    path = tmp_path_factory.mktemp("solids") / "solids.h5"
    generate_toys(path, 120, dim=3, seed=5, progress=False)
    return path
