"""Random numbers that depend on names, not on the order of draws."""

from __future__ import annotations

import hashlib

import numpy as np


def seeded(*keys: object) -> np.random.Generator:
    """Generator that depends on `keys` only, not on the order of draws elsewhere."""
    digest = hashlib.sha256("/".join(map(str, keys)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "little"))
