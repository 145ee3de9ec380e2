"""The five architectures, all of monai, and what their training costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from defectra.studies.segmentation.settings import SegmentationStudy

# Norms of a frame by itself would hide whether all of it is ice or none.
NORM = "BATCH"
NAMES = ("unet", "segresnet", "basicunet", "attention", "unetplusplus")


def builder(name: str) -> Callable[[], Any]:
    """Function that makes a network of two input channels and one output channel.

    Raises
    ------
    KeyError
        For an unknown name.
    """
    return _BUILDERS[name]


def _unet() -> Any:
    from monai.networks.nets import UNet

    return UNet(2, 2, 1, channels=(8, 16, 32, 64), strides=(2, 2, 2), num_res_units=1, norm=NORM)


def _segresnet() -> Any:
    from monai.networks.nets import SegResNet

    return SegResNet(
        spatial_dims=2,
        init_filters=8,
        in_channels=2,
        out_channels=1,
        blocks_down=(1, 1, 1),
        blocks_up=(1, 1),
        norm=NORM,
    )


def _basicunet() -> Any:
    from monai.networks.nets import BasicUNet

    return BasicUNet(2, 2, 1, features=(8, 8, 16, 16, 32, 8), norm=NORM)


def _attention() -> Any:
    from monai.networks.nets import AttentionUnet

    return AttentionUnet(2, 2, 1, channels=(8, 16, 32), strides=(2, 2))


def _unetplusplus() -> Any:
    from monai.networks.nets import BasicUNetPlusPlus

    return BasicUNetPlusPlus(
        spatial_dims=2, in_channels=2, out_channels=1, features=(8, 8, 8, 16, 16, 8), norm=NORM
    )


_BUILDERS: dict[str, Callable[[], Any]] = dict(
    zip(NAMES, (_unet, _segresnet, _basicunet, _attention, _unetplusplus), strict=True)
)


def logits(module: Any, x: Any) -> Any:
    """Logits of a batch, shape (n, 1, h, w); of an architecture with several the last."""
    found = module(x)
    return found[-1] if isinstance(found, list) else found


def epochs(name: str, settings: SegmentationStudy) -> tuple[int, int]:
    """Epochs on clean and on usual frames, of equal nominal cost for all architectures."""
    frames = settings.training_movies * settings.training_frames
    steps = -(-frames // settings.batch)
    total = settings.seconds / (steps * settings.step_s[name])
    clean = max(1, round(settings.clean_share * total))
    return clean, max(1, round(total) - clean)


def nominal_cost(name: str, settings: SegmentationStudy) -> float:
    """Seconds of a training by the declared cost of a step."""
    frames = settings.training_movies * settings.training_frames
    steps = -(-frames // settings.batch)
    return float(sum(epochs(name, settings)) * steps * settings.step_s[name])
