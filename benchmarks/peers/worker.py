"""Runs inside the environment of one peer: `python worker.py NAME`, a line of JSON per question.

Knows nothing of topophys and needs nothing but NumPy and the peer. A question names a function of
`run_NAME.py` and a file of Hamiltonians; the answer holds what it returned for each, or the text
of the exception, and the CPU seconds of the calls. Reading and conversion are not timed.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import time
import warnings

import numpy as np


def hoppings(path: str, first: int, last: int | None) -> list[dict]:
    """Hamiltonians of a file as mappings of R to matrices, closed under R -> -R."""
    with np.load(path) as file:
        rows = [tuple(v) for v in file["vectors"].tolist()]
        chosen = file["amplitudes"][first:last]
    return [{r: h[m] for m, r in enumerate(rows)} for h in chosen]


def attempt(function, options: dict, *given) -> tuple[float | None, str | None]:
    """Value and no error, or no value and the first line of the error."""
    try:
        value = function(*given, **options)
    except Exception as error:  # whatever a peer raises is its answer
        text = str(error).strip().splitlines() or [""]
        return None, f"{type(error).__name__}: {text[0][:200]}"
    return (None if value is None else float(np.real(value))), None


def answer(module, question: dict) -> dict:
    """CPU seconds, values and errors of one question."""
    function = getattr(module, question["ask"], None)
    if function is None:
        return {"missing": question["ask"]}
    options = question.get("options", {})
    given = [()]
    if "file" in question:
        read = hoppings(question["file"], question.get("first", 0), question.get("last"))
        given = [(h,) for h in read]
    start = time.process_time()
    pairs = [attempt(function, options, *g) for g in given]
    seconds = time.process_time() - start
    return {
        "seconds": seconds,
        "values": [value for value, _ in pairs],
        "errors": [error for _, error in pairs],
    }


def main() -> None:
    warnings.filterwarnings("ignore")
    logging.disable(logging.CRITICAL)
    reply = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # peers may print as they like
    module = importlib.import_module(f"run_{sys.argv[1]}")
    print(json.dumps({"version": module.version()}), file=reply, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(module, json.loads(line))), file=reply, flush=True)


if __name__ == "__main__":
    main()
