"""Tables of study `stem4d`."""

from __future__ import annotations

from defectra.core.records import Column, Table

LATENTS = Table(
    "stem4d_latents",
    tuple(
        Column(*row)
        for row in (
            ("sample", "string", "", "graphene, gallium_arsenide, mono or di"),
            ("protocol", "string", "", "fidelity"),
            ("model", "string", "", "what gave the variables"),
            ("x", "float", "Å", "place of the probe"),
            ("y", "float", "Å", "place of the probe"),
            ("values", "floats", "", "latent variables"),
            ("angle", "float", "rad", "angle of the pattern, NaN of a model without"),
            ("deflection_x", "float", "mrad", "centre of mass"),
            ("deflection_y", "float", "mrad", "centre of mass"),
            ("calculation_id", "string", "", "scan behind it"),
        )
    ),
)
