"""What each study asks the campaign to compute: ``REQUESTS`` of its ``requests.py``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from defectra.campaign.costs import Measured
from defectra.campaign.engine import engine_named
from defectra.campaign.ledger import Kind, Ledger, Result
from defectra.campaign.request import Family, Row, chunk_name
from defectra.core.config import Config
from defectra.core.errors import ConfigError
from defectra.core.late_imports import late
from defectra.core.limits import without_limits
from defectra.core.paths import PACKAGE, PROJECT
from defectra.core.store import Archive


def _none_parsed(config: Config) -> Mapping[str, Result]:  # noqa: ARG001
    return {}


def _nothing_archived(archive: Archive) -> Iterable[Any]:  # noqa: ARG001
    return ()


def _no_files(config: Config) -> Mapping[str, str]:  # noqa: ARG001
    return {}


def _nothing_derived(config: Config, archive: Archive) -> None:  # noqa: ARG001
    return None


@dataclass(frozen=True)
class StudyRequests:
    """Calculations of a study.

    Attributes
    ----------
    kinds
        Kinds of results.
    families
        All chains of requests, in the order in which they are worth computing.
    archive
        Folder of the calculations done earlier, relative to the project.
    shards
        Number of chunks.
    engines
        Names of the engines.
    part
        Parts of the config that decide the calculations, as a mapping to be read as a config.
    files
        What the requests, or `parsed`, read beside the config: checksums as rules carry them
        (:mod:`defectra.core.project_files`, :mod:`defectra.core.folder_digest`), by any name. A
        rule that goes through the requests carries them too (:func:`files_for`).
    parsed
        Results of runs made elsewhere, which the config names, by `calculation_id`.
    measured
        What its archived calculations took.
    pairs
        Calculations rows of sites that were computed at several protocols.
    how
        Key of the config that asks for what the archive lacks.
    derived
        Adds to the archive what is made of its rows, such as corrections of cells.
    """

    kinds: tuple[Kind, ...]
    families: Callable[[Config], Iterable[Family]]
    archive: Callable[[Config], str]
    shards: Callable[[Config], int]
    engines: Callable[[Config], Iterable[str]]
    part: Callable[[Config], Mapping[str, object]]
    files: Callable[[Config], Mapping[str, str]] = _no_files
    parsed: Callable[[Config], Mapping[str, Result]] = _none_parsed
    measured: Callable[[Archive], Iterable[Measured]] = _nothing_archived
    pairs: Callable[[Archive], Iterable[Row]] = _nothing_archived
    how: str = "its config"
    derived: Callable[[Config, Archive], None] = _nothing_derived


@cache
def studies_with_requests() -> tuple[str, ...]:
    """Names of the studies that ask for calculations, sorted."""
    found = (PACKAGE / "studies").glob("*/requests.py")
    return tuple(sorted(path.parent.name for path in found))


def requests_of(study: str) -> StudyRequests:
    """Calculations of a study.

    Raises
    ------
    ConfigError
        If it asks for none; the message lists those that do.
    """
    if study not in studies_with_requests():
        known = ", ".join(studies_with_requests())
        raise ConfigError(f"study {study!r} asks for no calculations; these do: {known}")
    found: StudyRequests = late("studies", study, "requests").REQUESTS
    return found


def requests_module(study: str) -> str:
    """Module that says what a study asks for."""
    return ".".join(("defectra", "studies", study, "requests"))


def read_parsed(folders: Sequence[str]) -> Mapping[str, Result]:
    """Spectra below folders that the config names, by `calculation_id`.

    The readers of all engines are found by name: a study without such folders depends on none.
    """
    if not folders:
        return {}
    found: Mapping[str, Result] = late("engines", "finished", "parsed").parsed_spectra(folders)
    return found


def chunks_to_compute(config: Config, study: str) -> list[str]:
    """Chunks of a study that a run computes beside those of the plan; none if it need not."""
    number = getattr(config, study).chunks_to_compute()
    return [chunk_name(study, n) for n in range(number)]


def computed_chunks(config: Config, study: str) -> list[str]:
    """What the rules of a study wait for: the counts of each of its chunks."""
    return [f"results/chunks/{chunk}/counts.json" for chunk in chunks_to_compute(config, study)]


def study_of(chunk: str) -> str:
    """Study that a chunk belongs to."""
    return chunk.rpartition("-")[0]


def part_for(config: Config, study: str) -> str:
    """Canonical JSON of what decides the calculations of a study, archive and seed included."""
    part = {"seed": config.seed, "archive": config.archive, **requests_of(study).part(config)}
    if "protocols" in part:
        part |= {"protocols": without_limits(part["protocols"])}
    return json.dumps(part, sort_keys=True, default=str)


def files_for(config: Config, study: str) -> str:
    """Canonical JSON of the checksums of what the requests of a study read beside the config."""
    return json.dumps(dict(requests_of(study).files(config)), sort_keys=True)


def versions_for(config: Config, study: str) -> str:
    """Versions of the engines of a study, so that the coming of one is seen."""
    return "; ".join(engine_named(name).version() for name in requests_of(study).engines(config))


def journals_of(study: str, store: Path) -> list[Path]:
    """Journals of all chunks of a study."""
    return sorted(store.glob(f"{study}-[0-9]*.journal"))


def ledger_of(study: str, config: Config, store: Path, *more: Path) -> Ledger:
    """What is known of the calculations of a study.

    Parameters
    ----------
    store
        Folder of the journals.
    more
        Further journals.
    """
    asked = requests_of(study)
    journals = [*journals_of(study, store), *more]
    return Ledger(asked.kinds, archive_of(study, config), journals, asked.parsed(config))


def archive_of(study: str, config: Config) -> Archive:
    """Archive of a study; its folder is relative to the project."""
    return Archive(PROJECT / requests_of(study).archive(config))


def families_of(study: str, config: Config, chunk: str | None = None) -> Iterator[Family]:
    """Families of a study, all or those of a chunk."""
    asked = requests_of(study)
    shards = asked.shards(config)
    number = None if chunk is None else int(chunk.rpartition("-")[2])
    for family in asked.families(config):
        if number is None or family.shard(shards) == number:
            yield family
