"""Spectra as a kind of result: a row of calculations, and its curve beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from defectra.campaign.engine import Engine, engine_named
from defectra.campaign.ledger import Finished, Kind, Result
from defectra.campaign.request import Request
from defectra.campaign.rows import blank_row, result, spectrum_row
from defectra.core.errors import EngineError
from defectra.core.records import CALCULATIONS, SPECTRA, Origin, Status

Row = dict[str, Any]
SPECTRUM = "spectrum"  # name of the kind


def labels(geometry: Mapping[str, Any], index: int, edge: str) -> Row:
    """Labels of one absorber of a geometries row; no part of the identity."""
    species: Sequence[str] = geometry["species"]
    sites = list(geometry["site_labels"])
    return {
        "geometry_id": geometry["geometry_id"],
        "structure_id": geometry["structure_id"],
        "geometry_protocol": geometry["protocol"],
        "element": species[index],
        "edge": edge,
        "site": sites[index],
        "multiplicity": sites.count(sites[index]),
    }


def spectrum_kind(engines: Callable[[str], Engine] = engine_named) -> Kind:
    """Kind of result of the engines of spectra; `engines` gives one by its name."""

    def make(request: Request, found: Finished) -> Result:
        return spectrum_result(request, found, engines(request.engine))

    return Kind(SPECTRUM, CALCULATIONS, make, (SPECTRA,), relabelled)


def spectrum_result(request: Request, found: Finished, engine: Engine) -> Result:
    """Rows of one calculation; without a spectrum that can be read it is a failed one."""
    row = asked_row(request) | found.row | {"origin": str(Origin.RUN)}
    if row["status"] == Status.FAILED:
        return Result(row)
    try:
        spectrum = engine.read(found.files)
    except EngineError as error:
        kind, why = row["error_class"] or error.error_class, row["message"] or str(error)
        bad = {"error_class": kind, "message": why}
        return Result(row | bad | {"status": str(Status.FAILED)})
    curve = spectrum_row(request.calculation_id, spectrum)
    return Result(row | result(spectrum, engine.PARSER_VERSION), {SPECTRA.name: curve})


def asked_row(request: Request) -> Row:
    """Columns of a calculation of which nothing is known yet."""
    asked = {
        "calculation_id": request.calculation_id,
        "engine": request.engine,
        "protocol": request.protocol,
        "engine_version": "",
    }
    return blank_row() | asked | dict(request.about)


def relabelled(request: Request, row: Row) -> Row:
    """A row made elsewhere with the labels of what is asked for."""
    asked = {"engine": request.engine, "protocol": request.protocol}
    return asked_row(request) | row | asked | dict(request.about)
