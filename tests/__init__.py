"""Tests of topophys; a package, so that files of equal names may live in different folders."""

from tests import typechecker

__all__ = ["typechecker"]
