"""Runs in processes of their own, and what they leave."""

from __future__ import annotations

import hashlib
import subprocess
import sys

from topophys.datasets import Recipe, generate


def sha(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names(folder):
    return sorted(p.name for p in folder.iterdir())


#: A run that says when it starts, and shows on stderr what it finds.
RUN = """
import sys
from topophys.datasets import Recipe, generate
recipe = Recipe.from_text(sys.argv[1])
print("ready", flush=True)
print(generate(recipe, sys.argv[2], workers=2, progress=False), flush=True)
"""


def start(recipe, path, code=RUN, stdin=None):
    words = [sys.executable, "-c", code, recipe.to_toml(), str(path)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(words, stdin=stdin, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout.readline() == "ready\n", process.communicate()
    return process


def finish(recipe, target, whole):
    summary = generate(recipe, target, workers=1, progress=False)
    assert names(target.parent) == [target.name]
    assert sha(target) == sha(whole)
    return summary


def with_other_seed(recipe):
    return Recipe.from_text(recipe.to_toml().replace("seed = 11", "seed = 12"))
