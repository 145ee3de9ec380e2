"""Settings of learners that several studies may use."""

from __future__ import annotations

from pydantic import Field

from defectra.core.settings import Boosting, Strict


class CommitteeSettings(Strict):
    """Gaussian process, boosting, networks, and how they are combined."""

    boosting: Boosting = Boosting(trees=100, learning_rate=0.1, column_sample=0.5)
    boosting_seeds: int = Field(4, ge=1, description="boosted trees that are averaged")
    trees: int = Field(60, ge=1, description="extremely randomised trees")
    tree_features: float = Field(
        0.5, gt=0, le=1, description="fraction of the columns tried at a split"
    )
    networks: int = Field(2, ge=1, description="members of the ensemble of networks")
    network_layers: list[int] = Field([24, 12], description="hidden units of each layer")
    network_decay: float = Field(1.0, ge=0, description="L2 penalty")
    network_iterations: int = Field(60, ge=10, description="largest number of L-BFGS iterations")
    inner_folds: int = Field(5, ge=2, description="folds inside the training rows")
