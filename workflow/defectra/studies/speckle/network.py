"""Networks of study `speckle`: one on physical inputs, one on the image. Torch is imported inside.

Both give a score for each number of disks. What standardises their inputs is part of the network,
so that a saved one needs nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from defectra.learn.torch_library import need_torch

Floats = NDArray[np.float64]
PHYSICAL, IMAGE = "physical inputs", "image"
BASIS = 48  # bumps that resolve the ratio of direct beam and scattered intensity
BATCH = 256


def physical_architecture(
    vectors: Floats, log_forward: int, classes: int, width: int, dropout: float
) -> dict[str, Any]:
    """Settings of a network on physical inputs.

    Parameters
    ----------
    vectors
        Of the training patterns, shape (n, features).
    log_forward
        Feature that is resolved by a basis of bumps: small relative steps of it decide.
    """
    spread = vectors.std(axis=0)
    ends = np.quantile(vectors[:, log_forward], [0.0, 1.0])
    return {
        "kind": PHYSICAL,
        "mean": [float(v) for v in vectors.mean(axis=0)],
        "spread": [float(v) if v > 0 else 1.0 for v in spread],
        "resolved": log_forward,
        "ends": [float(v) for v in ends],
        "classes": classes,
        "width": width,
        "dropout": dropout,
    }


def image_architecture(classes: int) -> dict[str, Any]:
    """Settings of a convolutional network on the image."""
    return {"kind": IMAGE, "classes": classes, "channels": [16, 32, 64]}


def build(architecture: Mapping[str, Any]) -> Any:
    """Module of an architecture."""
    makers = {PHYSICAL: _physical, IMAGE: _image}
    return makers[architecture["kind"]](architecture)


def _physical(own: Mapping[str, Any]) -> Any:
    torch = need_torch()
    nn = torch.nn

    class PhysicalNetwork(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("mean", torch.tensor(own["mean"], dtype=torch.float64))
            self.register_buffer("spread", torch.tensor(own["spread"], dtype=torch.float64))
            low, high = own["ends"]
            centres = torch.linspace(low, high, BASIS, dtype=torch.float64)
            self.register_buffer("centres", centres)
            inputs, width, classes = len(own["mean"]) + BASIS, own["width"], own["classes"]
            self.layers = nn.Sequential(
                nn.Linear(inputs, width),
                nn.ReLU(),
                nn.Dropout(own["dropout"]),
                nn.Linear(width, width // 2),
                nn.ReLU(),
                nn.Dropout(own["dropout"]),
                nn.Linear(width // 2, classes),
            )

        def forward(self, x: Any) -> Any:
            step = self.centres[1] - self.centres[0]
            far = (x[:, own["resolved"], None] - self.centres) / step
            bumps = 2 * torch.exp(-0.5 * far**2) - 0.5
            plain = ((x - self.mean) / self.spread).clamp(-8.0, 8.0)
            return self.layers(torch.cat([bumps, plain], dim=1).float())

    return PhysicalNetwork()


def _image(own: Mapping[str, Any]) -> Any:
    nn = need_torch().nn
    layers: list[Any] = []
    last = 1
    for channels in own["channels"]:
        layers += [nn.Conv2d(last, channels, 3, stride=2, padding=1), nn.BatchNorm2d(channels)]
        layers += [nn.ReLU()]
        last = channels
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(last, own["classes"])]
    return nn.Sequential(*layers)


def cross_entropy(module: Any, batch: Mapping[str, Any]) -> Any:
    """Mean cross-entropy of a batch with tensors ``x`` and ``y``."""
    return need_torch().nn.functional.cross_entropy(module(batch["x"]), batch["y"])


def probabilities(module: Any, x: NDArray[Any]) -> Floats:
    """Probability of each class, shape (n, classes)."""
    torch = need_torch()
    module.eval()
    found = []
    with torch.no_grad():
        for k in range(0, len(x), BATCH):
            scores = module(torch.from_numpy(np.ascontiguousarray(x[k : k + BATCH])))
            found.append(torch.softmax(scores, dim=1).double().numpy())
    return np.concatenate(found)
