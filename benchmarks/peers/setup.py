"""Optional environments of other packages, one each, under `benchmarks/.envs`.

Run with `python -m benchmarks.peers.setup [name ...]`, or `make peers`. The packages are run and
timed, never imported by topophys; what cannot be installed is named and left out of the tables.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ENVS = Path(__file__).resolve().parent.parent / ".envs"


@dataclass(frozen=True)
class Peer:
    """A package, what to install for it and the Python it needs."""

    name: str
    packages: tuple[str, ...]
    python: str = "3.11"
    licence: str = "BSD-3"


PEERS = {
    p.name: p
    for p in (
        Peer("pythtb", ("pythtb==2.0.2",), "3.12", "GPL-3"),
        Peer("z2pack", ("numpy<2", "z2pack==2.2.1", "tbmodels", "setuptools<81"), "3.11", "GPL-3"),
        Peer("tbkit", ("tbkit==0.6.1",)),
        Peer("qutip", ("qutip", "qutip-berry==0.2.0")),
        Peer("pyqula", ("pyqula==0.0.96",), "3.11", "GPL-3"),
        Peer("wannierberri", ("wannierberri", "tbmodels", "numba"), "3.11", "GPL-2"),
    )
}


def interpreter(name: str) -> Path:
    """Python of a peer's environment, whether it exists or not."""
    return ENVS / name / "bin" / "python"


def find_python(minor: str) -> str | None:
    """A Python of the wanted minor version that starts, or None."""
    if minor == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    for folder in ("", str(Path.home() / ".pyenv/versions"), "/usr/bin"):
        names = [f"python{minor}"] if not folder else Path(folder).glob(f"{minor}*/bin/python")
        for candidate in names:
            found = shutil.which(str(candidate))
            if (
                found
                and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode
                == 0
            ):
                return found
    return None


def install(peer: Peer) -> str:
    """Make the environment of one peer; returns a line that says what happened."""
    python = find_python(peer.python)
    if python is None:
        return f"{peer.name}: left out, Python {peer.python} was not found"
    target = ENVS / peer.name
    if not interpreter(peer.name).exists():
        subprocess.run([python, "-m", "venv", str(target)], check=True)
    done = subprocess.run(
        [interpreter(peer.name), "-m", "pip", "install", "--quiet", *peer.packages],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        return f"{peer.name}: left out, {done.stderr.strip().splitlines()[-1]}"
    return f"{peer.name}: installed in {target.relative_to(ENVS.parent.parent)}"


def main() -> None:
    chosen = sys.argv[1:] or list(PEERS)
    for name in chosen:
        print(install(PEERS[name]), flush=True)


if __name__ == "__main__":
    main()
