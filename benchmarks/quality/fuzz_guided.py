"""One reader under Atheris, which is loaded before it so that its branches are seen.

python -m benchmarks.quality.fuzz_guided NAME HOME CORPUS [options of libFuzzer]
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import atheris

from topophys.testing.hardening.limits import attempt
from topophys.testing.hardening.readers import READERS


def main() -> None:
    name, home = sys.argv[1], Path(sys.argv[2])
    reader = READERS[name]
    samples = sorted((home / "honest").iterdir())
    warnings.simplefilter("ignore")
    with atheris.instrument_imports(include=list(reader.modules)):
        for sample in samples:
            reader.read(sample)
    if samples[0].is_dir():  # a folder of texts: the first of them is changed
        targets = [(samples[0] / min(p.name for p in samples[0].iterdir()), samples[0])]
    else:
        targets = [(sample, sample) for sample in samples]

    def one(data: bytes) -> None:
        # as every kind of file: which one is read must not hang on a change
        for path, read in targets:
            path.write_bytes(data)
            attempt(reader.read, read)

    atheris.Setup([sys.argv[0], *sys.argv[3:]], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
