"""Default study files and JSON schema, written from the model in :mod:`defectra.core.config`.

``python -m defectra.core.configdocs`` writes them for all studies; a test fails when one that is
there is out of step. They are for people and editors: a study that has none yet works without.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from defectra.core.config import config_model
from defectra.core.errors import reports_errors
from defectra.core.paths import PROJECT, need_checkout
from defectra.core.store import write_bytes
from defectra.core.studies import settings_of, study_names

ROOT = PROJECT
_HEAD = """\
# Defaults of study `{name}`, written by `python -m defectra.core.configdocs`. Do not edit: set what
# you want to change in config.yaml, below `{name}:`.
"""
_SIGNS = {Ge: ("ge", ">="), Gt: ("gt", ">"), Le: ("le", "<="), Lt: ("lt", "<")}
WIDTH = 100


def study_yaml(name: str, model: type[BaseModel]) -> str:
    """YAML of a study's defaults, each key with its description and limits as a comment."""
    return _HEAD.format(name=name) + "".join(f"{line}\n" for line in _lines(model(), 0))


def _lines(model: BaseModel, indent: int) -> Iterator[str]:
    pad = " " * indent
    for key, field in type(model).model_fields.items():
        value = getattr(model, key)
        note = _note(field)
        if isinstance(value, BaseModel):
            note = note or _first_line(type(value))
            yield f"{pad}{key}:" + (f"  # {note}" if note else "")
            yield from _lines(value, indent + 2)
        elif isinstance(value, Mapping) and any(isinstance(v, BaseModel) for v in value.values()):
            yield f"{pad}{key}:" + (f"  # {note}" if note else "")
            for name, item in value.items():
                yield f"{pad}  {name}: {_flow(item.model_dump(mode='json'))}"
        else:
            yield from _scalar(f"{pad}{key}: {_flow(_plain(value))}", note, pad)


def _scalar(text: str, note: str, pad: str) -> Iterator[str]:
    line = f"{text}  # {note}" if note else text
    if len(line) > WIDTH and note:
        yield f"{pad}# {note}"
        line = text
    yield line


def _note(field: FieldInfo) -> str:
    limits = [
        f"{sign} {getattr(limit, attribute):g}"
        for limit in field.metadata
        for kind, (attribute, sign) in _SIGNS.items()
        if isinstance(limit, kind)
    ]
    return "; ".join(p for p in (field.description or "", " and ".join(limits)) if p)


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().splitlines()[0]


def _plain(value: Any) -> Any:
    return json.loads(json.dumps(value, default=_as_plain))


def _as_plain(value: Any) -> Any:
    """A model as a mapping, all else as text."""
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else str(value)


def _flow(value: Any) -> str:
    text = yaml.safe_dump(
        value, default_flow_style=True, sort_keys=False, width=10_000, allow_unicode=True
    )
    return text.removesuffix("\n").removesuffix("\n...")


def schema_json(studies: tuple[str, ...]) -> str:
    """JSON schema of the config of some studies, for editors."""
    schema = config_model(studies).model_json_schema()
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def documented() -> tuple[str, ...]:
    """Studies whose defaults stand in ``config/studies`` already."""
    return tuple(s for s in study_names() if (ROOT / _study_file(s)).exists())


def files(studies: tuple[str, ...]) -> dict[str, str]:
    """What is generated of some studies: text by path below the repository."""
    texts = {_study_file(s): study_yaml(s, settings_of(s)) for s in studies}
    return {**texts, "config/schema.json": schema_json(studies)}


def _study_file(study: str) -> str:
    return f"config/studies/{study}.yaml"


@reports_errors
def main() -> int:
    """Write every generated file."""
    need_checkout()
    for name, text in files(study_names()).items():
        write_bytes(ROOT / name, text.encode())
        print(f"wrote {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
