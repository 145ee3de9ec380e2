"""Where studies of arrays keep their archives: below that of the config, each in a folder."""

from __future__ import annotations

from collections.abc import Callable

from defectra.core.config import Config


def below_archive(study: str) -> Callable[[Config], str]:
    """Folder of a study below the archive that the config names; it may be absent.

    Parameters
    ----------
    study
        Name of its folder.
    """

    def folder(config: Config) -> str:
        return f"{config.archive}/{study}"

    return folder
