"""What the settings of every study are built of."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field


class Strict(BaseModel):
    """Base of every model: an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class StudySettings(Strict):
    """Base of the settings of a study; its module names the model ``SETTINGS``."""

    def named_protocols(self) -> Mapping[str, tuple[str, str]]:
        """Protocols that the settings name: (table of protocols, name) by key of the study."""
        return {}

    def chunks_to_compute(self) -> int:
        """Number of chunks that a run computes beside those of the plan; 0: what is known does."""
        return 0


class ComputedSettings(StudySettings):
    """Settings of a study whose calculations every run computes, as far as they are missing."""

    shards: int = Field(2, ge=1, description="chunks of what is computed: jobs side by side")

    def chunks_to_compute(self) -> int:
        """All chunks."""
        return self.shards


class Boosting(Strict):
    """Gradient boosting."""

    trees: int = Field(300, ge=1)
    depth: int = Field(3, ge=1)
    learning_rate: float = Field(0.05, gt=0, le=1)
    subsample: float = Field(0.8, gt=0, le=1)
    column_sample: float = Field(0.3, gt=0, le=1)


class ModelSettings(Boosting):
    """Gradient boosting, cross-validation, bootstrap."""

    folds: int = Field(5, ge=2)
    repeats: int = Field(3, ge=1, description="seeds; the scores are pooled over them")
    bootstrap: int = Field(1000, ge=10, description="resamples over groups")
