"""Names of models and metrics in the tables."""

from __future__ import annotations

from enum import StrEnum

TURNING, PLAIN, COMPONENTS = "rotationally invariant autoencoder", "plain autoencoder", "PCA"
DEFLECTION, DARK = "size of the deflection", "electrons outside the aperture"
LIKELIHOOD = "likelihood of the known patterns"
LEARNT = "nearest patterns of the training scans"
SINGLE, NEIGHBOURS = "single patterns", "mean over neighbouring places"
DEALT, INTACT = "labels dealt at random", "atoms that are there"


class Metric(StrEnum):
    """Metrics of this study."""

    ORBIT = "variance_within_rotations"
    ORBIT_MIRROR = "variance_within_rotations_and_mirrors"
    ORBIT_DEALT = "variance_within_places_dealt_at_random"
    ANGLE = "angle_follows_deflection"
    ANGLE_DEALT = "angle_follows_deflection_dealt_at_random"
    SITES = "sites_apart"
    COPIES = "change_of_turned_copies"
    AUROC = "auroc"
    LOSS = "loss"
