"""The classifier: what must not change it, what must, and its loss."""

import dataclasses

import numpy as np
import pytest
import torch

import topophys as tp
from topophys.errors import InputError, ShapeError
from topophys.materials import (
    LOSS_WEIGHTS,
    MODALITIES,
    EnhancedMultiModalMaterialClassifier,
    MaterialData,
    toy_data,
)

OUTPUTS = {
    "combined_logits",
    "topology_logits_primary",
    "topology_logits_auxiliary",
    "magnetism_logits_aux",
    "local_features",
    "topological_features",
}


@pytest.fixture
def net():
    torch.manual_seed(0)
    return EnhancedMultiModalMaterialClassifier().eval()


def targets(batch):
    return {"topology": batch.topology, "magnetism": batch.magnetism}


def test_all_outputs_with_their_shapes(net, data):
    out = net(data.all())
    assert set(out) >= OUTPUTS
    assert out["combined_logits"].shape == out["topology_logits_auxiliary"].shape == (64, 3)
    assert out["topological_features"].shape == (64, 16)
    assert {"h1_features", "h2_features"} <= set(out["local_features"])


def test_order_of_the_batch_does_not_matter(net, data):
    order = torch.randperm(64)
    with torch.no_grad():
        one, two = net(data.all()), net(data.batch(order))
    torch.testing.assert_close(
        one["combined_logits"][order], two["combined_logits"], atol=1e-5, rtol=1e-5
    )


def test_the_invariant_of_the_latent_hamiltonian_is_certified(net, data):
    with torch.no_grad():
        fused = net(data.all())["fused_features"]
    proof = net.branch.hamiltonian.certify(fused)
    assert proof.certified.all()
    assert (proof.gap_lower > 0).all()


def test_a_branch_on_the_hamiltonians_of_the_materials(toys):
    data = toy_data(toys, np.arange(16), hamiltonians=True)
    torch.manual_seed(0)
    net = EnhancedMultiModalMaterialClassifier(topological_ml_model_type="exact_2d")
    batch = data.all()
    assert batch.rows["d_grid"].shape == (16, 2, 12, 12, 3)
    out = net(batch)
    net.compute_enhanced_loss(out, targets(batch))["total_loss"].backward()
    assert all(p.grad is not None for p in net.branch.parameters())
    # the features follow the Hamiltonians, not the fused features
    other = dict(batch.rows, d_grid=batch.rows["d_grid"].flip(0))
    flipped = net(dataclasses.replace(batch, rows=other))
    torch.testing.assert_close(
        flipped["topological_features"], out["topological_features"].flip(0), atol=1e-4, rtol=1e-3
    )
    rows = {k: v for k, v in batch.rows.items() if k != "d_grid"}
    with pytest.raises(InputError, match="d_grid"):
        net(dataclasses.replace(batch, rows=rows))


def test_no_parameter_is_made_after_the_constructor(net, data):
    before = {name: p.shape for name, p in net.named_parameters()}
    net(data.all())
    assert {name: p.shape for name, p in net.named_parameters()} == before


def test_every_parameter_changes_in_training(net, data):
    net.train()
    batch = data.all()
    # a token learns where its modality is missing
    present = batch.present.clone()
    for m in range(len(MODALITIES)):
        present[m, m] = False
    losses = net.compute_enhanced_loss(
        net(dataclasses.replace(batch, present=present)), targets(batch)
    )
    losses["total_loss"].backward()
    for name, p in net.named_parameters():
        assert p.grad is not None, name
        assert p.grad.abs().sum() > 0, name


@pytest.mark.parametrize("m", range(len(MODALITIES)))
def test_a_missing_modality_has_no_influence_and_a_present_one_has(net, data, m):
    name = MODALITIES[m]
    batch = data.all()
    present = batch.present.clone()
    present[:, m] = False
    absent = dataclasses.replace(batch, present=present)
    spoiled = {
        k: torch.full_like(v, float("nan")) if v.is_floating_point() else v
        for k, v in batch.rows.items()
    }
    parts = {
        "kspace": ("kspace",), "asph": ("asph",), "scalar": ("scalar",),
        "physics": ("decomposition", "gap", "dos", "fermi"), "crystal": (),
    }[name]  # fmt: skip
    rows = {k: spoiled[k] if k in parts else v for k, v in batch.rows.items()}
    vector = batch.vector * 0.9 if name == "crystal" else batch.vector
    with torch.no_grad():
        clean = net(absent)["combined_logits"]
        other = net(dataclasses.replace(absent, rows=rows, vector=vector))["combined_logits"]
        full = net(batch)["combined_logits"]
    torch.testing.assert_close(clean, other)
    assert torch.isfinite(clean).all()
    assert (full - clean).abs().max() > 1e-4


def test_mask_tokens_are_trained(net, data):
    batch = data.all()
    none = dataclasses.replace(batch, present=torch.zeros_like(batch.present))
    with torch.no_grad():
        before = net(none)["combined_logits"]
        net.mask_tokens.add_(0.5)
        after = net(none)["combined_logits"]
    assert (before - after).abs().max() > 1e-3
    assert (before - before[0]).abs().max() < 1e-6


def test_gradients_do_not_see_what_is_missing(net, data):
    batch = data.all()
    present = batch.present.clone()
    present[::2, 1] = False
    rows = dict(batch.rows)
    rows["kspace"] = rows["kspace"].clone()
    rows["kspace"][::2] = float("nan")
    out = net(dataclasses.replace(batch, present=present, rows=rows))
    net.compute_enhanced_loss(out, targets(batch))["total_loss"].backward()
    assert all(torch.isfinite(p.grad).all() for p in net.parameters() if p.grad is not None)


def test_the_total_is_the_documented_sum(data):
    weights = {"combined_loss": 0.7, "topological_ml_total": 0.0, "magnetism_loss": 1.3}
    net = EnhancedMultiModalMaterialClassifier(loss_weights=weights)
    batch = data.all()
    losses = net.compute_enhanced_loss(net(batch), targets(batch))
    assert set(losses) == {*LOSS_WEIGHTS, "total_loss"}
    used = {**LOSS_WEIGHTS, **weights}
    wanted = sum(used[name] * losses[name] for name in LOSS_WEIGHTS)
    torch.testing.assert_close(losses["total_loss"], wanted)


def test_a_term_is_the_weighted_cross_entropy(net, data):
    batch = data.all()
    net.balance(batch.topology, batch.magnetism)
    out = net(batch)
    chosen = torch.log_softmax(out["combined_logits"], -1)[torch.arange(64), batch.topology]
    wanted = -(net.topology_weights[batch.topology] * chosen).mean()
    losses = net.compute_enhanced_loss(out, targets(batch))
    torch.testing.assert_close(losses["combined_loss"], wanted)


def test_rare_classes_weigh_more_and_the_mean_weight_is_one(net):
    labels = torch.tensor([0] * 90 + [1] * 9 + [2])
    net.balance(labels, labels)
    w = net.topology_weights
    assert w[0] < w[1] < w[2]
    torch.testing.assert_close(w[labels].mean(), torch.tensor(1.0))


def test_unknown_labels_take_no_part(net, data):
    batch = data.all()
    out = net(batch)
    half = batch.topology.clone()
    half[32:] = -1
    first = {k: v[:32] if isinstance(v, torch.Tensor) else v for k, v in out.items()}
    one = net.compute_enhanced_loss(out, {"topology": half})
    two = net.compute_enhanced_loss(first, {"topology": batch.topology[:32]})
    torch.testing.assert_close(one["total_loss"], two["total_loss"])
    nothing = net.compute_enhanced_loss(out, {"magnetism": torch.full((64,), -1)})
    assert float(nothing["total_loss"].detach()) == 0.0


def test_bad_targets_and_inputs_are_named(net, data):
    batch = data.all()
    out = net(batch)
    with pytest.raises(InputError, match="`topology` from 0 to 2"):
        net.compute_enhanced_loss(out, {"topology": torch.full((64,), 3)})
    with pytest.raises(ShapeError, match="64 materials"):
        net.compute_enhanced_loss(out, {"topology": torch.zeros(3, dtype=torch.long)})
    rows = dict(batch.rows) | {"kspace": batch.rows["kspace"][..., :5]}
    with pytest.raises(ShapeError, match=r"\(B, K, 16\)"):
        net(dataclasses.replace(batch, rows=rows))
    with pytest.raises(InputError, match="loss_weights"):
        EnhancedMultiModalMaterialClassifier(loss_weights={"loss": 1.0})
    with pytest.raises(InputError, match="topological_ml_model_type"):
        EnhancedMultiModalMaterialClassifier(topological_ml_model_type="3d")
    with pytest.raises(InputError, match="modalities"):
        EnhancedMultiModalMaterialClassifier(modalities=("smell",))


def test_a_bad_sample_is_named():
    unknown = np.full(3, -1)
    scalar = np.zeros((3, 4))
    scalar[1, 2] = np.nan
    with pytest.raises(InputError, match=r"Sample `b`: `scalar` must be finite"):
        MaterialData(["a", "b", "c"], unknown, unknown, {"scalar": scalar})
    absent = {"scalar": np.array([True, False, True])}
    assert len(MaterialData(["a", "b", "c"], unknown, unknown, {"scalar": scalar}, present=absent))
    with pytest.raises(ShapeError, match="one row for each of 3"):
        MaterialData(["a", "b", "c"], unknown, unknown, {"scalar": scalar[:2]})


def test_a_branch_has_about_as_many_parameters_as_its_stand_in():
    sizes = []
    for kind in ("1d_a3", "mlp"):
        net = EnhancedMultiModalMaterialClassifier(topological_ml_model_type=kind)
        sizes.append(sum(p.numel() for p in net.branch.parameters()))
    assert 0.8 < sizes[0] / sizes[1] < 1.25


@pytest.mark.parametrize(("layers", "fusion"), [(1, 1), (3, 0)])
def test_depth_of_scalars_and_of_the_fusion(data, layers, fusion):
    torch.manual_seed(0)
    net = EnhancedMultiModalMaterialClassifier(scalar_layers=layers, fusion_layers=fusion)
    batch = data.all()
    losses = net.compute_enhanced_loss(net(batch), targets(batch))
    losses["total_loss"].backward()
    parts = list(net.encoders["scalar"].parameters()) + list(net.fuse.parameters())
    assert len(parts) == {1: 4, 3: 14}[layers] + {1: 4, 0: 2}[fusion]
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in parts)
    again = EnhancedMultiModalMaterialClassifier(**net.settings)
    again.load_state_dict(net.state_dict())
    with torch.no_grad():
        torch.testing.assert_close(
            again.eval()(batch)["combined_logits"], net.eval()(batch)["combined_logits"]
        )


def test_a_subset_holds_the_chosen_materials(data):
    rows = np.array([5, 2, 60])
    some, wanted = data.subset(rows).all(), data.batch(torch.as_tensor(rows))
    for name in ("present", "numbers", "owner", "edges", "vector", "topology", "magnetism"):
        torch.testing.assert_close(getattr(some, name), getattr(wanted, name))
    for name, value in wanted.rows.items():
        torch.testing.assert_close(some.rows[name], value)
    assert list(some.ids) == list(wanted.ids)


TERMS = {
    "combined_loss", "topology_loss", "magnetism_loss", "topological_ml_total", "total_loss",
}  # fmt: skip


@pytest.mark.parametrize("branch", [True, False])
def test_every_term_is_returned_and_absent_ones_are_zero(data, branch):
    net = EnhancedMultiModalMaterialClassifier(use_topological_ml=branch)
    batch = data.all()
    losses = net.compute_enhanced_loss(net(batch), {"topology": batch.topology})
    assert set(losses) == TERMS
    assert float(losses["magnetism_loss"]) == 0.0
    assert (float(losses["topological_ml_total"].detach()) == 0.0) is not branch
    weighted = sum(weight * losses[name] for name, weight in LOSS_WEIGHTS.items())
    torch.testing.assert_close(losses["total_loss"], weighted)


def test_topology_loss_trains_the_primary_head_and_topological_ml_total_the_branch(data):
    net = EnhancedMultiModalMaterialClassifier()
    batch = data.all()
    losses = net.compute_enhanced_loss(net(batch), targets(batch))
    losses["topology_loss"].backward(retain_graph=True)
    assert net.primary.weight.grad.abs().sum() > 0
    assert net.auxiliary.weight.grad is None
    losses["topological_ml_total"].backward()
    assert net.auxiliary.weight.grad.abs().sum() > 0
    assert all(p.grad is not None for p in net.branch.parameters() if p.requires_grad)


def test_weights_of_earlier_releases_keep_their_meaning():
    former = EnhancedMultiModalMaterialClassifier(loss_weights={"primary_loss": 0.7})
    assert former.loss_weights == {**LOSS_WEIGHTS, "topology_loss": 0.7}


def test_training_loop_of_the_public_contract(toys):
    from topophys.plots import plot_winding_angle_comparison

    torch.manual_seed(0)
    net = EnhancedMultiModalMaterialClassifier(
        crystal_node_feature_dim=8,
        kspace_node_feature_dim=toys["kspace"].shape[-1],
        asph_feature_dim=10,
        scalar_feature_dim=toys["scalars"].shape[-1],
        decomposition_feature_dim=toys["decomposition"].shape[-1],
        use_topological_ml=True,
        topological_ml_model_type="1d_a3",
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=3e-3)
    batch = toy_data(toys, np.arange(48)).all()
    totals = []
    for _ in range(12):
        predictions = net(batch)
        losses = net.compute_enhanced_loss(predictions, targets(batch))
        optimizer.zero_grad()
        losses["total_loss"].backward()
        optimizer.step()
        totals.append(float(losses["total_loss"].detach()))
    assert set(losses) >= TERMS
    assert totals[-1] < 0.9 * totals[0]
    h1 = predictions["local_features"]["h1_features"][:2].detach().numpy()
    chains = net.branch.hamiltonian.hamiltonians(predictions["fused_features"][:2])
    alpha = tp.winding_angle(chains.block_on_grid(h1.shape[1]))
    figure = plot_winding_angle_comparison(h1, alpha)
    assert len(figure.axes) >= 2
