"""Names of models and metrics in the tables."""

from __future__ import annotations

from enum import StrEnum

TURNING, PLAIN, COMPONENTS = "rotationally invariant autoencoder", "plain autoencoder", "PCA"
DEFLECTION, DARK = "size of the deflection", "electrons outside the aperture"


class Metric(StrEnum):
    """Metrics of this study."""

    ORBIT = "variance_within_rotations"
    ORBIT_MIRROR = "variance_within_rotations_and_mirrors"
    ANGLE = "angle_follows_deflection"
    SITES = "sites_apart"
    COPIES = "change_of_turned_copies"
    AUROC = "auroc"
    LOSS = "loss"
