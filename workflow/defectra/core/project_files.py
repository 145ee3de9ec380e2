"""Files of the project as rules carry them: by name and content, as parameters.

An input of Snakemake is known by its path and by its time. A project that is moved, or cloned anew,
would rerun everything that reads one of its files. So rules carry the name within the project and
a checksum as a parameter, and a step finds the file from the package.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from defectra.core.errors import DataError
from defectra.core.paths import PROJECT


def project_files(**names: str) -> dict[str, str]:
    """Parameters of a rule for files of the project, see :func:`project_file`.

    Parameters
    ----------
    names
        Path of each file, relative to the project or absolute, by the name of the parameter. That
        one is not there is reported by the step that needs it.
    """
    return {key: json.dumps({"file": name, "sha256": _sha256(name)}) for key, name in names.items()}


def _sha256(name: str) -> str:
    path = PROJECT / name
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def project_file(parameter: str) -> str:
    """Path of the file that a parameter of :func:`project_files` describes.

    Raises
    ------
    DataError
        If there is no such file.
    """
    path = PROJECT / json.loads(parameter)["file"]
    if not path.is_file():
        raise DataError(f"{path}: no such file; bring it back, or name another in the config")
    return str(path)


def archive_parts(folder: str, *tables: str) -> str:
    """Parameter of a rule that reads some tables of an archive: no study waits for another's.

    The name of a part is a checksum of what it holds (:class:`defectra.core.store.Archive`), so
    that the names say all.

    Parameters
    ----------
    folder
        Of the archive, relative to the project or absolute.
    tables
        Names of the tables; none: all.
    """
    root = PROJECT / folder
    found = [path for table in tables or ("*",) for path in root.glob(f"{table}/part-*.parquet")]
    parts = sorted(str(path.relative_to(root)) for path in found)
    return json.dumps({"folder": folder, "parts": parts})


def archive_folder(parameter: str) -> Path:
    """Folder of an archive, from the parameter of a rule: its name, or :func:`archive_parts`."""
    found = json.loads(parameter)
    return PROJECT / (found["folder"] if isinstance(found, dict) else found)
