"""What the settings of every study are built of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from defectra.core.errors import meant

Item = TypeVar("Item")


def _distinct(value: list[Item]) -> list[Item]:
    twice = [item for k, item in enumerate(value) if item in value[:k]]
    if twice:
        raise ValueError(f"{twice[0]!r} stands twice: it would be counted twice; name each once")
    return value


# A list of which each item counts: none stands twice.
Distinct = Annotated[
    list[Item], AfterValidator(_distinct), Field(json_schema_extra={"uniqueItems": True})
]


def need_known(names: Iterable[str], known: Iterable[str], kind: str) -> None:
    """Refuse a name that is not known, which would be passed over.

    Raises
    ------
    ValueError
        With the nearest name, and all that are known.
    """
    allowed = [*known]
    for name in names:
        if name not in allowed:
            raise ValueError(unknown(name, allowed, kind))


def unknown(name: str, known: Iterable[str], kind: str) -> str:
    """What is said of a name that is not known."""
    allowed = [*known]
    return f"no {kind} {name!r}{meant(name, allowed)}; allowed: {', '.join(allowed)}"


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

    def lacks(self, run: Path) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Files and folders that the settings name and that are not there, before a run.

        Parameters
        ----------
        run
            Folder of the run, which what is a user's own is relative to.

        Yields
        ------
        Key of the study, and what is wrong (:mod:`defectra.core.named_files`).
        """
        yield from ()


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
