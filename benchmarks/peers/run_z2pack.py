"""How Z2Pack is asked."""

from importlib.metadata import version as package_version

import numpy as np
import tbmodels
import z2pack


def version():
    return f"Z2Pack {package_version('z2pack')}"


def system(h, filled):
    """System from a function of k in units of the reciprocal lattice."""
    vectors = np.array(list(h))
    matrices = np.array(list(h.values()))

    def bloch(k):
        return np.tensordot(np.exp(2j * np.pi * (vectors @ np.asarray(k))), matrices, 1)

    return z2pack.hm.System(bloch, dim=2, bands=filled, hermitian_tol=None)


def chern(h, n=24, filled=1):
    """Wilson loops on a fixed grid of lines."""
    found = z2pack.surface.run(
        system=system(h, filled), surface=lambda s, t: [s, t], pos_tol=None, gap_tol=None,
        move_tol=None, num_lines=n + 1, iterator=[n + 1],
    )  # fmt: skip
    return z2pack.invariant.chern(found)


def adaptive(h, filled=1):
    """Wilson loops with the default refinement."""
    found = z2pack.surface.run(system=system(h, filled), surface=lambda s, t: [s, t])
    return z2pack.invariant.chern(found)


def material_z2(path, filled, along):
    """Z2 of a two-dimensional material from its Wannier90 file, loops along "x" or "y"."""
    model = tbmodels.Model.from_wannier_files(hr_file=path, occ=filled)

    def surface(s, t):
        return [s / 2, t, 0.0] if along == "y" else [t, s / 2, 0.0]

    found = z2pack.surface.run(system=z2pack.tb.System(model), surface=surface)
    return z2pack.invariant.z2(found)
