"""Every public function that takes arrays, with arguments that are fine."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np

import topophys as tp
from topophys.invariants.chern_4d import GAMMAS

_RNG = np.random.default_rng(3)
BLOCKS = _RNG.standard_normal((2, 8, 2, 2)) + 1j * _RNG.standard_normal((2, 8, 2, 2))
BANDS = tp.models.qwz(-1.0).on_grid((6, 6))
D = tp.models.qwz(-1.0).d_on_grid((6, 6))
PATH = tp.models.qwz(-1.0).on_grid((8, 8))[:, 2]
SPIN = tp.models.bhz(-1.0).on_grid((8, 8))
S_Z = np.kron(np.diag([1.0, -1.0]), np.eye(2))
CHAIN = tp.models.ssh(1.0, 2.0)
FLAKE = np.diag(np.ones(11), 1) + np.diag(np.ones(11), -1) + np.diag(np.tile([1.0, -1.0], 6))
SITES = np.stack([np.arange(12.0), np.zeros(12)], axis=1)
_OPEN = np.eye(12) + 2.0 * np.eye(12, k=1)


def _models():
    """Every named model as a function of the array of all its real parameters."""
    for name in tp.models.__all__:
        function = getattr(tp.models, name)
        parameters = inspect.signature(function).parameters.values()
        count = sum("ArrayLike" in str(p.annotation) for p in parameters)
        fixed = {"n": 2} if name == "higher_chern" else {}
        if count:
            call = partial(_called, function, fixed)
            yield f"models.{name}", (call, np.linspace(0.4, 1.1, count))


def _called(function, fixed, values):
    return function(*values, **fixed)


#: Function of one array, and an array that it takes.
FLAT_CHAIN = tp.ensembles.aiii_chains(2, hopping_range=1, rng=1).block_on_grid(8)
FLAT_PLANE = tp.ensembles.class_a(2, n_bands=2, rng=1).on_grid(6)
CASES = {
    "winding_number": (tp.winding_number, BLOCKS),
    "winding_angle": (tp.winding_angle, BLOCKS),
    "winding_steps": (tp.winding_steps, BLOCKS),
    "chern_number": (tp.chern_number, BANDS),
    "berry_flux": (tp.berry_flux, BANDS),
    "berry_curvature": (tp.berry_curvature, BANDS),
    "chern_number_from_d": (tp.chern_number_from_d, D),
    "berry_flux_from_d": (tp.berry_flux_from_d, D),
    "wilson_loop": (tp.wilson_loop, BANDS),
    "wannier_centres": (tp.wannier_centres, BANDS),
    "zak_phase": (tp.zak_phase, BANDS),
    "berry_phase": (tp.berry_phase, PATH),
    "quantum_metric": (tp.quantum_metric, BANDS),
    "spin_chern": (lambda h: tp.spin_chern(h, S_Z, n_occupied=2), SPIN),
    "spin_chern, s_z": (lambda s: tp.spin_chern(SPIN, s, n_occupied=2), S_Z),
    "z2_invariant": (
        lambda h: tp.z2_invariant(h, n_occupied=2),
        tp.models.kane_mele(0.1).on_grid((8, 8)),
    ),
    "symmetrize, time_reversal": (
        lambda u: tp.symmetrize(tp.models.kane_mele(0.1), time_reversal=u),
        np.kron([[0.0, 1.0], [-1.0, 0.0]], np.eye(2)),
    ),
    "flatten_block": (tp.flatten_block, BLOCKS),
    "flatten_d": (tp.flatten_d, D),
    "unflatten_block": (tp.unflatten_block, tp.flatten_block(FLAT_CHAIN)),
    "unflatten_bands": (lambda h_k: tp.unflatten_bands(h_k, 1), FLAT_PLANE),
    "local_chern_marker": (
        lambda h: tp.local_chern_marker(h, SITES, area=1.0, n_occupied=6),
        FLAKE,
    ),
    "local_chern_marker, positions": (
        lambda r: tp.local_chern_marker(FLAKE, r, area=1.0, n_occupied=6),
        SITES,
    ),
    "real_space_winding": (lambda d: tp.real_space_winding(d, np.arange(12.0)), _OPEN),
    "real_space_winding, cells": (lambda x: tp.real_space_winding(_OPEN, x), np.arange(12.0)),
    "weyl_charge, centre": (
        lambda c: tp.weyl_charge(tp.models.weyl_semimetal(1.0), c),
        np.array([0.0, 0.0, 1.0]),
    ),
    "chern_on_slices, k": (
        lambda k: tp.chern_on_slices(tp.models.weyl_semimetal(1.0), k=k),
        np.array([0.3, 2.0]),
    ),
    "FourierHamiltonian": (
        lambda t: tp.certify_chern(tp.FourierHamiltonian({(0, 0): t, (1, 0): 0.3 * t})),
        np.diag([1.0, -1.0]),
    ),
    "ChiralHamiltonian": (
        lambda t: tp.certify_winding(tp.ChiralHamiltonian({(0,): t, (1,): 2.0 * t})),
        np.array([[1.0, 0.3], [0.0, 1.0]]),
    ),
    "TwoBandHamiltonian": (
        lambda t: tp.certify_chern(tp.TwoBandHamiltonian({(0, 0): t})),
        np.array([0.2, 0.1, 1.0]),
    ),
    "interpolate, at": (
        lambda at: tp.interpolate([tp.models.qwz(-3.0), tp.models.qwz(-1.0)], at=at)(t=0.5),
        np.array([0.1, 1.0]),
    ),
    "certify_gap, level": (
        lambda level: tp.certify_gap(tp.models.qwz(-1.0), level=level),
        np.array(0.5),
    ),
    "majorana_number, particle_hole": (
        lambda u: tp.majorana_number(tp.models.kitaev_chain_bdg(0.5, 1.0, 0.7), particle_hole=u),
        np.array([[0.0, 1.0], [1.0, 0.0]]),
    ),
    "axion_angle, inversion": (
        lambda p: tp.axion_angle(tp.models.fu_kane_mele(0.4), inversion=p),
        np.kron(np.eye(2), [[0.0, 1.0], [1.0, 0.0]]),
    ),
    "winding_3d, chiral": (
        lambda gamma: tp.winding_3d(tp.models.chiral_dirac_3d(2.0), chiral=gamma),
        np.diag([1.0, 1.0, -1.0, -1.0]),
    ),
    "localizer_index": (lambda h: tp.localizer_index(h, SITES, kappa=0.1), FLAKE),
    "localizer_index, positions": (lambda r: tp.localizer_index(FLAKE, r, kappa=0.1), SITES),
    "bott_index": (
        lambda h: tp.bott_index(h, SITES, period=[12.0, 1.0], n_occupied=6),
        FLAKE,
    ),
    "second_chern, gammas": (
        lambda g: tp.second_chern(tp.models.dirac_4d(-3.0), gammas=g),
        GAMMAS,
    ),
    "mirror_chern, mirror": (
        lambda m: tp.mirror_chern(tp.models.bhz(1.0), mirror=m),
        np.diag([1.0, 1.0, -1.0, -1.0]),
    ),
    "find_weyl_nodes, inversion": (
        lambda p: tp.find_weyl_nodes(tp.models.weyl_semimetal(1.6), inversion=p, max_evaluations=1),
        np.diag([1.0, -1.0]),
    ),
    "symmetry_class, particle_hole": (
        lambda u: tp.symmetry_class(tp.models.qwz(1.0), particle_hole=u).violations.values(),
        np.array([[0.0, 1.0], [1.0, 0.0]]),
    ),
    "point_gap_winding, energy": (
        lambda e: tp.point_gap_winding(tp.models.hatano_nelson(1.0, 0.3), e),
        np.array([0.1, 3.0]),
    ),
    "band_path": (tp.band_path, np.array([[0.0, 0.0], [0.0, 1.0], [2.0, 1.0]])),
    "polarization, charges": (
        lambda charges: tp.polarization(
            CHAIN, charges=charges, grid=16, positions=[[0.0], [0.5]], ion_positions=[[0.0]]
        ),
        np.array([1.0]),
    ),
    "bloch": (CHAIN.bloch, np.array([[0.3]])),
    **dict(_models()),
}
