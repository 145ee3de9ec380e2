"""Discovery of studies: a folder of ``studies/`` with ``settings.py`` and ``rules.smk`` is one.

Names and small files only are read, since every job of the workflow does this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from defectra.core.late_imports import late
from defectra.core.paths import PACKAGE
from defectra.core.settings import StudySettings

FOLDER = PACKAGE / "studies"


@cache
def study_names() -> tuple[str, ...]:
    """Names of all studies, sorted."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/settings.py")))


def study_folder(name: str) -> Path:
    """Folder that holds all of one study."""
    return FOLDER / name


def study_rules() -> list[Path]:
    """File of rules of each study, in the order of their names."""
    return [FOLDER / name / "rules.smk" for name in study_names()]


@cache
def settings_of(name: str) -> type[StudySettings]:
    """Model of a study's settings: ``SETTINGS`` of its ``settings.py``."""
    model: type[StudySettings] = late("studies", name, "settings").SETTINGS
    return model


def texts_digest(names: Iterable[str]) -> str:
    """Digest of what studies say in a report: their captions and README."""
    digest = hashlib.sha256()
    for name in names:
        folder = study_folder(name)
        for path in (*sorted((folder / "captions").glob("*.rst")), folder / "README.md"):
            if path.is_file():
                digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:16]
