"""Asks the worker of a peer; both sides measure CPU time of one thread of their own process."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np

from benchmarks.peers.setup import interpreter

HERE = Path(__file__).resolve().parent
THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA", "VECLIB_MAXIMUM")


def installed(name: str) -> bool:
    """Whether the environment of a peer exists."""
    return interpreter(name).exists()


def save(path, H):
    """Write Hamiltonians for a worker: vectors (M, dim) and amplitudes (B, M, n, n)."""
    amplitudes = H.amplitudes
    flat = amplitudes.reshape(-1, *amplitudes.shape[-3:])
    np.savez(path, vectors=H.vectors, amplitudes=flat)
    return str(path)


class Peer:
    """A worker process; use as a context."""

    def __init__(self, name: str) -> None:
        env = os.environ | {f"{t}_NUM_THREADS": "1" for t in THREADS}
        env.pop("PYTHONPATH", None)
        self.process = subprocess.Popen(
            [interpreter(name), str(HERE / "worker.py"), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=env,
            cwd=os.environ.get("TMPDIR", "/tmp"),
        )
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"Peer `{name}` must import in its environment, but does not.")
        self.version = json.loads(line)["version"]

    def ask(self, what: str, file: str | None = None, **options) -> dict:
        """Answer of the worker; `first` and `last` choose Hamiltonians of the file."""
        question = {
            "ask": what,
            "first": options.pop("first", 0),
            "last": options.pop("last", None),
        }
        question |= {"options": options} | ({"file": file} if file else {})
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)
