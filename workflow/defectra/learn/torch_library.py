"""Torch is optional: it is imported where a network is trained or asked, and nowhere else."""

from __future__ import annotations

import importlib
from typing import Any

from defectra.core.errors import LibraryError


def need_torch() -> Any:
    """The module torch, set to one thread: a job has one core, and the sums then are the same.

    Raises
    ------
    LibraryError
        If torch or safetensors is not installed.
    """
    try:
        importlib.import_module("safetensors.torch")
        torch: Any = importlib.import_module("torch")
    except ImportError as error:
        raise LibraryError(
            f"networks need torch and safetensors ({error}): `make instruments` installs them"
        ) from None
    torch.set_num_threads(1)
    return torch


def tensors_read(path: str) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors and texts of a safetensors file; whoever calls has asked :func:`need_torch`."""
    safe: Any = importlib.import_module("safetensors")
    with safe.safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118


def tensors_write(path: str, tensors: dict[str, Any], texts: dict[str, str]) -> None:
    """Write a safetensors file."""
    safe: Any = importlib.import_module("safetensors.torch")
    whole = {name: value.detach().contiguous().clone() for name, value in tensors.items()}
    safe.save_file(whole, path, metadata=texts)
