"""What a newcomer passes first: taken where it can mean only one thing, else refused in a line."""

import json
import subprocess
import sys

import numpy as np
import pytest

import topophys as tp
from topophys.interpret import exact_targets
from topophys.learn.challenge import score_challenge

#: Calls and what is said of them; in a process of its own, where no types are checked.
GUESSES = {
    "tp.certify_phases(tp.models.qwz, [(-3, 3)])": "`parameters` must give",
    "tp.certify_phases(tp.models.qwz, RANGE, dependence='affine')": "`dependence` must say it for",
    "tp.certify_phases(tp.models.qwz, RANGE, lipschitz=2.0)": "`lipschitz` must say it for each",
    "fit({'epochs': 1}, None)": "FitConfig.from_mapping",
    "fit(nn.Linear(2, 2), None)": "the argument `model`",
    "activations(FitConfig(), np.zeros((1, 8, 2)))": "load_encoder",
}
PROGRAM = """
import json, sys
import numpy as np, topophys as tp
from torch import nn
from topophys.interpret import activations
from topophys.learn import FitConfig, fit
RANGE, said = {"m": (-3.0, 3.0)}, {}
for call in json.loads(sys.argv[1]):
    try:
        eval(call)
    except tp.errors.TopophysError as error:
        said[call] = str(error)
print(json.dumps(said))
"""


@pytest.mark.process
def test_what_is_not_meant_is_refused_in_a_line():
    command = [sys.executable, "-c", PROGRAM, json.dumps(list(GUESSES))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    said = json.loads(done.stdout)
    for call, words in GUESSES.items():
        assert words in said.get(call, "no error")
        assert "\n" not in said[call]


def test_one_number_of_points_and_one_name_of_a_test_are_enough():
    chains = tp.models.ssh([1.0, 2.0], [2.0, 1.0])
    one, other = (exact_targets(chains, ["dalpha"], grid=g)["dalpha"] for g in (12, (12,)))
    np.testing.assert_array_equal(one, other)
    planes = tp.models.qwz([1.0, -1.0])
    one, other = (exact_targets(planes, ["flux"], grid=g)["flux"] for g in (6, (6, 6)))
    np.testing.assert_array_equal(one, other)
    found = score_challenge(lambda x, test: np.zeros(len(x)), tests="chains-12", size=6)
    assert {row.test for row in found.rows} == {"chains-12"}
