"""Synthetic campaign with planted signals: structures of the real recipe, invented spectra."""

from __future__ import annotations

import zlib

import numpy as np

from defectra.studies.nmc.settings import Grid, LithiumSeries, NmcStructures
from defectra.studies.nmc.structures import campaign, lithium_series

GRIDS = {
    "Li K": Grid(start=52, stop=80, fwhm=0.8),
    "O K": Grid(start=528.9, stop=562.1, fwhm=1.0),
    "Ni K": Grid(start=8330, stop=8375, step=0.25, fwhm=1.5),
    "Ni L3": Grid(start=853.1, stop=880.1),
}
ONSET = {"Li K": 57.0, "O K": 531.0, "Ni K": 8340.0, "Ni L3": 855.0}
SERIES = LithiumSeries(orderings=4)


def curve(energy, onset, peaks):
    mu = 0.5 + np.arctan((energy - onset) / 0.8) / np.pi
    for centre, height, width in peaks:
        mu = mu + height * np.exp(-0.5 * ((energy - centre) / width) ** 2)
    return mu


def engine_axis(onset):
    """Non-uniform, finer near the edge, like the engine's."""
    k = np.linspace(0, 3.4, 35)
    return onset + np.concatenate([-np.linspace(14, 0.4, 20), 3.81 * k**2])


def structures(count=45):
    return campaign(NmcStructures(count=count), 2501)


def series():
    return lithium_series(SERIES, 10, 2501)


def site_rows(cell, edge, protocol, geometry, mu, status="ok", sites=2, origin="run"):
    """Tasks, calculations and spectra of the first orbits of an element."""
    element, kind = edge.split()
    labels = list(
        dict.fromkeys(lab for s, lab in zip(cell["species"], cell["site_labels"]) if s == element)
    )[:sites]
    energy = engine_axis(ONSET[edge])
    tasks, calculations, spectra = [], [], []
    for label in labels:
        key = {
            "structure_id": cell["structure_id"],
            "geometry_protocol": geometry,
            "protocol": protocol,
            "element": element,
            "edge": kind,
            "site": label,
            "multiplicity": list(cell["site_labels"]).count(label),
            "engine": "synthetic",
        }
        name = f"{cell['structure_id']}/{geometry}/{protocol}/{edge}/{label}"
        tasks.append(dict(key))
        calculations.append(
            key | {"calculation_id": name, "status": status, "origin": origin, "error_class": ""}
        )
        if status != "failed":
            values = mu(energy, label) if callable(mu) else mu
            spectra.append(
                {"calculation_id": name, "energy_eV": energy.tolist(), "mu": values.tolist()}
            )
    return tasks, calculations, spectra


def world(cells, edges, shape, *, protocol="fast", geometry="chgnet", sites=2):
    """All tasks, calculations and spectra; `shape(cell, edge, energy, label)` gives mu."""
    out = ([], [], [])
    for cell in cells:
        for edge in edges:
            rows = site_rows(
                cell,
                edge,
                protocol,
                geometry,
                lambda e, lab, c=cell, n=edge: shape(c, n, e, lab),
                sites=sites,
            )
            for total, part in zip(out, rows):
                total.extend(part)
    return out


def planted(cell, edge, energy, label, vacancy=0.25, noise=0.01):
    """Lithium and metals move and scale peaks; an oxygen vacancy adds a shoulder to O K."""
    x = list(cell["species"]).count("Li") / 10
    ni = list(cell["species"]).count("Ni") / 10
    onset = ONSET[edge]
    rng = np.random.default_rng(zlib.crc32(f"{cell['structure_id']}{edge}{label}".encode()))
    peaks = [(onset + 8 + 2.0 * (1 - x), 1.0 + ni, 2.0), (onset + 20, 0.4, 3.0)]
    if edge == "O K":
        peaks.append((onset - 1.5, 0.4 + 0.5 * (1 - x), 0.9))
        if cell["defect"] == "oxygen_vacancy":
            peaks.append((onset + 3.5, vacancy, 0.8))
    mu = curve(energy, onset, peaks)
    return mu * (1 + noise * rng.normal()) + noise * rng.normal(size=len(mu)) * (energy > onset)
