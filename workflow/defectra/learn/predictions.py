"""The predictions table: what each model said about each structure that it had not seen."""

from __future__ import annotations

from defectra.core.records import Column, Table

PREDICTIONS = Table(
    "predictions",
    (
        Column("structure_id", "string", "", "structure"),
        Column("group", "string", "", "family"),
        Column("target", "string", "", "label that was predicted"),
        Column("features", "string", "", "what the model saw"),
        Column("model", "string", "", "xgboost or baseline"),
        Column("split", "string", "", "cross-validation"),
        Column("repeat", "int", "", "number of the seeded repeat"),
        Column("truth", "float", "target", "label"),
        Column("prediction", "float", "target", "out of fold; probability of a class"),
    ),
)
