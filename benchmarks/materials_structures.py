"""Further tasks of `benchmarks.materials`: real structures, speed, leakage."""

from __future__ import annotations

import time
from functools import cache

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GroupKFold
from sklearn.tree import DecisionTreeClassifier

from benchmarks.materials_tasks import DATA, list_scores, lists, toys
from topophys.materials import (
    Crystal,
    EnhancedMultiModalMaterialClassifier,
    MaterialData,
    TrainOptions,
    crystal_graph,
    groups_of,
    list_features,
    match_structures,
    persistence_tokens,
    predict_logits,
    read_aflow_prototypes,
    read_jarvis,
    train_classifier,
)
from topophys.materials.fit import list_data, list_network
from topophys.materials.run import MaterialRun, Scaler
from topophys.materials.toy_features import K_FEATURES
from topophys.materials.train import scores

__all__ = ["TASKS", "list_scores"]


@cache
def matched():
    """Structures of JARVIS and of AFLOW prototypes that the lists have a class for."""
    found = read_jarvis(DATA / "jarvis_structures" / "dft_3d_Tc_supercon.json.zip")
    return match_structures({**found, **read_aflow_prototypes()}, lists())[0]


@cache
def structure_rows():
    place = {one: row for row, one in enumerate(lists().materials)}
    return np.array([place[one.entry] for one in matched()])


def structure_folds(seed):
    rows = structure_rows()
    groups = groups_of(lists().materials)[rows]
    folds = GroupKFold(5, shuffle=True, random_state=seed).split(rows, groups=groups)
    return [rows[test] for _, test in folds]


def figures(chance):
    truth = np.array([one.entry.label for one in matched()])
    found = scores(chance, truth)
    binary = float(((chance[:, 0] < 0.5) == (truth > 0)).mean())
    return {
        "binary accuracy": binary,
        "four classes: accuracy": found["accuracy"],
        "four classes: macro F1": found["macro_f1"],
        "materials": float(len(truth)),
    }


def others(test):
    """Rows of the lists whose chemical system is not among those of `test`."""
    groups = groups_of(lists().materials)
    return np.flatnonzero(~np.isin(groups, groups[test]))


def structures_trees(seed):
    """Trees on all features of the lists, trained on all other chemical systems."""
    x = list_features(lists().materials, one_hot=False)
    y = np.array([one.label for one in lists().materials])
    chance = np.zeros((len(lists().materials), 4))
    for test in structure_folds(seed):
        train = others(test)
        trees = HistGradientBoostingClassifier(random_state=seed).fit(x[train], y[train])
        chance[test] = trees.predict_proba(x[test])
    return figures(chance[structure_rows()])


def _network(seed, *, tuned):
    """Learn the lists; with `tuned`, go on with the structures of the other folds."""
    raw = list_features(lists().materials)
    chance = np.zeros((len(raw), 4))
    plain, fine = (
        TrainOptions(epochs=e, seed=seed, learning_rate=r, weight_decay=5e-2, batch_size=b)
        for e, r, b in ((9, 2e-3, 256), (10, 5e-4, 32))
    )
    for test in structure_folds(seed):
        train = others(test)
        scaler = Scaler.of(raw[train])
        x = scaler(raw)
        torch.manual_seed(seed)
        net = list_network(raw.shape[1], 4, with_structures=True, branch=None)
        data = list_data(lists(), x, train, [])
        net.balance(torch.as_tensor(data.topology), torch.as_tensor(data.magnetism))
        train_classifier(net, data, plain)
        known = matched() if tuned else []
        if tuned:
            rows = np.intersect1d(structure_rows(), train)
            train_classifier(net, list_data(lists(), x, rows, known), fine)
        logits = predict_logits(net, list_data(lists(), x, test, known))["combined_logits"]
        p = torch.softmax(torch.as_tensor(logits).double(), -1) / net.topology_weights
        chance[test] = (p / p.sum(1, keepdim=True)).numpy()
    return figures(chance[structure_rows()])


def structures_net(seed):
    return _network(seed, tuned=False)


def structures_tuned(seed):
    return _network(seed, tuned=True)


def cubic_crystals(number, atoms, seed):
    """Random crystals of about the density of solids."""
    rng = np.random.default_rng(seed)
    side = (18.0 * atoms) ** (1 / 3)
    return [
        Crystal(rng.integers(1, 90, atoms), rng.random((atoms, 3)), side * np.eye(3), f"r{i}")
        for i in range(number)
    ]


def speed(seed):
    """Training steps on graphs of 20 atoms; features and a prediction of one real structure."""
    crystals = cubic_crystals(512, 20, seed)
    unknown = np.zeros(512, int)
    data = MaterialData([c.sample_id for c in crystals], unknown, unknown, {}, crystals, cutoff=4.0)
    net = EnhancedMultiModalMaterialClassifier(modalities=("crystal",))
    start, wall = time.process_time(), time.perf_counter()
    train_classifier(net, data, TrainOptions(epochs=4, batch_size=128, threads=2))
    rate = 4 * 512 / (time.process_time() - start)
    del wall
    chosen = [one.crystal for one in matched()][:60]
    start = time.process_time()
    for crystal in chosen:
        crystal_graph(crystal)
        persistence_tokens(crystal)
    each = (time.process_time() - start) / len(chosen)
    raw = list_features(lists().materials[:50])
    run = MaterialRun(
        list_network(raw.shape[1], 4, with_structures=True), "lists",
        {"topology": ["a", "b", "c", "d"], "magnetism": []}, Scaler.of(raw),
    )  # fmt: skip
    run.predict(chosen[0])
    start = time.process_time()
    for crystal in chosen:
        run.predict(crystal)
    whole = (time.process_time() - start) / len(chosen)
    return {
        "training, graphs of 20 atoms per CPU second of one core": rate,
        "edges of such a graph": len(data._pairs) and float(data._pairs[-1]) / 512,
        "graph and persistence of one structure, CPU s": each,
        "prediction of one structure with its features, CPU s": whole,
    }


def audit(seed):
    """Balanced accuracy of the best tree of depth 3 on one feature alone, by kind of feature."""
    arrays = toys()
    rows = np.random.default_rng(seed).permutation(len(arrays["topology"]))[:6000]
    cut = 4000
    width = len(K_FEATURES)
    named = {
        "scalars": arrays["scalars"][rows],
        "gap on the path": arrays["gap"][rows],
        "weights at special momenta": arrays["decomposition"][rows],
        "density of states": arrays["dos"][rows],
        "Fermi level": arrays["fermi"][rows],
        "one number of one k point": arrays["kspace"][rows].reshape(len(rows), -1)[
            :, :: width // 4
        ],
        "prototype": arrays["prototype"][rows][:, None],
    }
    found = {}
    for target in ("topology", "magnetism"):
        y = arrays[target][rows]
        for name, x in named.items():
            best = 0.0
            for column in range(x.shape[1]):
                one = x[:, [column]]
                tree = DecisionTreeClassifier(max_depth=3, class_weight="balanced", random_state=0)
                answer = tree.fit(one[:cut], y[:cut]).predict(one[cut:])
                truth = y[cut:]
                recall = [(answer[truth == c] == c).mean() for c in range(3)]
                best = max(best, float(np.mean(recall)))
            found[f"{target} from {name}"] = best
    return found


TASKS = {
    "structures: trees, all features of the lists": structures_trees,
    "structures: network, lists alone": structures_net,
    "structures: network, lists, then structures": structures_tuned,
    "audit: balanced accuracy (chance 0.333)": audit,
    "speed: CPU time": speed,
}
