"""The program, run within this process."""

import pytest


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
