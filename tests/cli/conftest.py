"""Data sets and trainings, each made once."""

import pytest
import torch

from tests.integration import artefacts


@pytest.fixture(autouse=True, scope="package")
def _one_thread():
    # layers this small only wait for each other on more
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def chains_file(tmp_path_factory):
    return artefacts.chains_file(tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_file(tmp_path_factory):
    return artefacts.tiny_file(tmp_path_factory)


@pytest.fixture(scope="session")
def chern_file(tmp_path_factory):
    return artefacts.chern_file(tmp_path_factory)


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    return artefacts.trained(tmp_path_factory)


@pytest.fixture(scope="session")
def touched(tmp_path_factory):
    return artefacts.touched(tmp_path_factory)


@pytest.fixture(scope="session")
def demonstrated(tmp_path_factory):
    return artefacts.demonstrated(tmp_path_factory)


@pytest.fixture
def program(capsys):
    """Run the program within this process: exit status, output, errors."""
    from topophys.cli import main

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        printed = capsys.readouterr()
        return left.value.code, printed.out, printed.err

    return run
