"""Ways to change a valid file into one that no writer produces.

Every way takes a `random.Random` and a path, and rewrites the file in place; the same seed makes
the same change, so that a number names a case.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from copy import deepcopy

import h5py
import numpy as np

#: Words that readers of numbers and texts stumble over.
WORDS = (
    "0", "-0", "-1", "1", "2", "nan", "NaN", "inf", "-Infinity", "1e999", "-1e308", "5e-324",
    "1e-9", "1D+05", "0.1-100", "0x10", "1_000", "²", "٣", "true", "null", "", " ", "\x00",
    "\ufeff", "'", '"', "[", "]", "{", "}", "[" * 5000, "{" * 5000, "(" * 5000, "9" * 18,
    "9" * 30, "9" * 5000, "-" * 300, "1000000", "2147483648", "9223372036854775807",
    "18446744073709551616", "../../x", "\n" * 50, "!", "#", "=", ",", ";", "\r", "a" * 5000,
    "\\u0000", "\ud7ff", "1 1 1", "é",
)  # fmt: skip
VALUES = (
    None, True, False, 0, -1, 1, 3, 10**6, 2**31, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308, 5e-324,
    float("nan"), float("inf"), "", "x", "nan", "\x00", "a" * 5000, [], {}, [[]], [None], {"a": 1},
    [0] * 1000, [1, 2, 3], "TopologicalMLEncoder2D", "2d_a", "chern", "../x",
)  # fmt: skip


def changed_text(rng, text):
    """A text with a few words replaced, lines moved, pieces cut."""
    for _ in range(rng.randint(1, 4)):
        kind = rng.randrange(7)
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        if kind <= 2:  # one word becomes another
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(WORDS)
            lines[at] = " ".join(words)
        elif kind == 3:  # some characters become others
            here = rng.randrange(len(text) + 1)
            lines = [text[:here] + rng.choice(WORDS) + text[here + rng.randint(0, 3) :]]
        elif kind == 4:
            lines[at : at + rng.randint(1, 3)] = []
        elif kind == 5:
            lines[at:at] = [lines[rng.randrange(len(lines))]] * rng.choice((1, 1, 2, 500))
        else:
            lines = [text[: rng.randrange(len(text) + 1)]]
        text = "\n".join(lines) or "x"
    return text


def changed_bytes(rng, content):
    """Bytes with bits flipped, pieces cut, doubled or overwritten."""
    data = bytearray(content or b"x")
    for _ in range(rng.choice((1, 1, 2, 8))):
        kind, at = rng.randrange(5), rng.randrange(len(data) or 1)
        size = rng.choice((1, 2, 4, 8, 100))
        if kind == 0 and data:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + size] = rng.randbytes(size)
        elif kind == 2:
            data[at : at + size] = rng.choice((b"\x00", b"\xff", b"\x7f")) * size
        elif kind == 3:
            del data[at : at + size * 10]
        else:
            data[at:at] = data[at : at + size * 10]
    return bytes(data)


def changed_json(rng, content):
    """JSON of which a few values, at any depth, are others, doubled or gone."""
    for _ in range(rng.randint(1, 3)):
        holder = {"": content}
        node, key = holder, ""
        while True:
            inner = node[key]
            if not isinstance(inner, (dict, list)) or not inner or rng.random() < 0.15:
                break
            node = inner
            key = rng.choice(list(inner)) if isinstance(inner, dict) else rng.randrange(len(inner))
        kind = rng.randrange(6)
        if kind == 0 and node is not holder:
            del node[key]
        elif kind == 1 and isinstance(node, dict) and node is not holder:
            node[rng.choice(("x", "", "kind", "format"))] = deepcopy(rng.choice(VALUES))
        elif kind == 2 and isinstance(node[key], (int, float)):
            node[key] = node[key] * rng.choice((-1, 0, 2, 1000, 10**9, 0.5)) + rng.choice((0, 1))
        else:
            node[key] = deepcopy(rng.choice(VALUES))
        content = holder[""]
    return content


def text_file(rng, path):
    """Change a text as text, or byte by byte."""
    if rng.random() < 0.8:
        text = changed_text(rng, path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
    else:
        path.write_bytes(changed_bytes(rng, path.read_bytes()))


def packed_file(rng, path):
    """Change a `.gz` or `.tar.gz` as it lies there, or what is in it."""
    raw = path.read_bytes()
    if rng.random() < 0.3:
        path.write_bytes(changed_bytes(rng, raw))
        return
    inner = gzip.decompress(raw)
    if not path.name.endswith(".tar.gz"):
        path.write_bytes(gzip.compress(changed_text(rng, inner.decode()).encode(), 1))
    elif rng.random() < 0.5:
        path.write_bytes(gzip.compress(changed_bytes(rng, inner), 1))
    else:
        with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
            member = archive.getmembers()[0]
            text = archive.extractfile(member).read().decode()
        fresh = changed_text(rng, text).encode()
        member.size = len(fresh)
        with tarfile.open(path, "w:gz", compresslevel=1) as archive:
            archive.addfile(member, io.BytesIO(fresh))


def zip_file(rng, path):
    """Change a `.zip` or `.npz` as it lies there, or the members of it."""
    if rng.random() < 0.3:
        path.write_bytes(changed_bytes(rng, path.read_bytes()))
        return
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    members[name] = changed_bytes(rng, members[name])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, value in members.items():
            archive.writestr(key if rng.random() < 0.9 else rng.choice(WORDS) or "x", value)


def npy_file(rng, path):
    """Change the header of an `.npy`, or any of its bytes."""
    raw = path.read_bytes()
    if rng.random() < 0.4:
        path.write_bytes(changed_bytes(rng, raw))
        return
    size = int.from_bytes(raw[8:10], "little")
    head = changed_text(rng, raw[10 : 10 + size].decode("latin-1")).encode("latin-1", "replace")
    head = head[:65535]
    path.write_bytes(raw[:8] + len(head).to_bytes(2, "little") + head + raw[10 + size :])


def json_file(rng, path):
    """Change values of a JSON file, or its text."""
    if rng.random() < 0.3:
        text_file(rng, path)
        return
    content = changed_json(rng, json.loads(path.read_text(encoding="utf-8")))
    path.write_text(json.dumps(content), encoding="utf-8")


def hdf5_file(rng, path):
    """Change attributes and arrays of an HDF5 file through the library, or any of its bytes."""
    if rng.random() < 0.35:
        path.write_bytes(changed_bytes(rng, path.read_bytes()))
        return
    with h5py.File(path, "r+", libver=("v110", "v110")) as file:
        for _ in range(rng.randint(1, 2)):
            _change_node(rng, file)


def _change_node(rng, file):
    names = []
    file.visit(names.append)
    name = rng.choice([*names, "/"])
    node, kind = file[name], rng.randrange(5)
    if kind <= 1 and node.attrs:
        key = rng.choice(list(node.attrs))
        old = node.attrs[key]
        old = old.decode("utf-8") if isinstance(old, bytes) else old
        if isinstance(old, str) and rng.random() < 0.7:
            node.attrs[key] = changed_text(rng, old).replace("\x00", "").encode("utf-8", "replace")
        elif rng.random() < 0.2:
            del node.attrs[key]
        else:
            node.attrs[key] = rng.choice(_ATTRIBUTES)
    elif kind == 2 and _is_small(node):
        old = node[()]
        flat = np.array(old).reshape(-1)
        flat[rng.randrange(flat.size)] = rng.choice((0, 1, 2, 100))
        if flat.dtype.kind in "fc":
            flat[rng.randrange(flat.size)] = rng.choice((np.nan, np.inf, 1e300, 5e-324, -1.0))
        node[...] = flat.reshape(np.shape(old))
    elif isinstance(node, h5py.Dataset):
        attributes = dict(node.attrs)
        del file[name]
        fresh = file.create_dataset(name, **rng.choice(_ARRAYS))
        for key, value in attributes.items():
            fresh.attrs[key] = value
    elif name != "/":
        del file[name]
        if rng.random() < 0.6:
            file[name] = rng.choice(
                (
                    h5py.SoftLink("/"),
                    h5py.SoftLink("/nowhere"),
                    h5py.ExternalLink("/etc/passwd", "/"),
                )
            )


def _is_small(node):
    """Whether a node holds numbers, and so few that they can be read."""
    if not isinstance(node, h5py.Dataset) or not node.size:
        return False
    return node.size < 10**6 and node.dtype.kind in "iufc"


_ATTRIBUTES = (
    0, 1, -1, 2.5, np.nan, np.int64(2**62), "", "x", b"\xff\xfe", "topophys-dataset",
    np.zeros(3), np.zeros((2, 2), np.int64), np.array([], np.float64), h5py.Empty("f8"),
    np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), np.full(3, 2**62), "9" * 5000,
)  # fmt: skip
_ARRAYS = (
    {"shape": (2**40,), "dtype": "f8", "chunks": (2**20,)},  # takes no space before it is read
    {"shape": (2**26,), "dtype": "f8", "chunks": (2**20,), "compression": "gzip"},
    {"shape": (0,), "dtype": "f8"},
    {"shape": (3, 3), "dtype": "i4"},
    {"data": np.full((4, 5), np.nan)},
    {"data": np.array([b"text"], "S4")},
    {"data": "text"},
    {"data": h5py.Empty("f8")},
    {"shape": (2,), "dtype": h5py.string_dtype()},
    {"data": np.zeros(2, dtype=[("a", "i4"), ("b", "f8")])},
)
