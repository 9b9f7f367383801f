"""`python -m topophys.cli`."""

from topophys.cli.app import main

main()
