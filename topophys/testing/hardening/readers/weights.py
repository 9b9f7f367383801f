"""Ways to change weights and the cards that guard them by a digest."""

from __future__ import annotations

import hashlib
import json

from topophys._io import sealed
from topophys.testing.hardening import changes


def change_weights(rng, path, change):
    """Change weights, in their header or as bytes, and sometimes the digest that guards them."""
    raw = path.read_bytes()
    if rng.random() < 0.6:
        size = int.from_bytes(raw[:8], "little")
        if rng.random() < 0.6:
            header = change(rng, json.loads(raw[8 : 8 + size]))
            head = json.dumps(header).encode()
        else:
            head = changes.changed_text(rng, raw[8 : 8 + size].decode()).encode()
        length = len(head) if rng.random() < 0.9 else rng.choice((0, 2**62, 2**63, 99_999_999))
        path.write_bytes(length.to_bytes(8, "little") + head + raw[8 + size :])
    else:
        path.write_bytes(changes.changed_bytes(rng, raw))


def change_run(weights, card, extra=()):
    def change(rng, folder):
        chosen = rng.choice((weights, card, card, *extra))
        path = folder / chosen
        if path.suffix == ".json":
            changes.json_file(rng, path)
        else:
            change_weights(rng, path, changes.changed_json)
        if rng.random() < 0.8:
            _fit_digest(folder / weights, folder / card)
            _fit_run(folder, (weights, card))

    return change


def _fit_run(folder, names):
    """Make the digests of a run fit what is there, as a careful forger would."""
    try:
        content = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        if isinstance(content.get("files"), dict):
            for name in names:
                digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
                content["files"][name] = digest
            (folder / "run.json").write_text(json.dumps(sealed(content)), encoding="utf-8")
    except (ValueError, TypeError, AttributeError, RecursionError):
        return  # no JSON object any more


def _fit_digest(weights, card):
    try:
        content = json.loads(card.read_text(encoding="utf-8"))
        content["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
        card.write_text(json.dumps(content), encoding="utf-8")
    except (ValueError, TypeError, RecursionError):
        return  # no JSON object any more
