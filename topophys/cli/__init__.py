"""Command line: parse, call one function, print."""

from topophys.cli.app import main

__all__ = ["main"]
