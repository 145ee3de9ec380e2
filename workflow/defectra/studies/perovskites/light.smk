# Absorption spectra, efficiency limits and tilted cells of our own.

from defectra.core.project_files import archive_parts
from defectra.studies.perovskites.parameters import light_settings


use rule step as gather_light with:
    input:
        computed=computed_chunks(CONFIG, "perovskites"),
    output:
        spectra="results/perovskites/spectra.parquet",
        angles=report(
            "results/perovskites/tilt_angles.csv",
            category="Perovskites: calculations",
            caption="captions/tilt_angles.rst",
        ),
    log:
        "results/logs/perovskites/gather_light.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_light.gather_light"),
        archive=archive_parts(
            CONFIG.archive,
            "perovskite_runs",
            "perovskite_spectra",
            "perovskite_tilts",
        ),
        config=light_settings(CONFIG),
        seed=leaf(CONFIG, "seed"),


use rule step as compare_light with:
    input:
        spectra=rules.gather_light.output.spectra,
        angles=rules.gather_light.output.angles,
        ladder="results/perovskites/ladder.csv",
        compounds="results/perovskites/compounds.parquet",
    output:
        films=report(
            "results/perovskites/films.csv",
            category="Perovskites: calculations",
            caption="captions/films.rst",
        ),
        tilts=report(
            "results/perovskites/tilts.csv",
            category="Perovskites: calculations",
            caption="captions/tilts.rst",
        ),
    log:
        "results/logs/perovskites/compare_light.log",
    localrule: True
    params:
        **step("defectra.studies.perovskites.steps_light.compare_light"),


use rule step as plot_perovskite_absorption with:
    input:
        spectra=rules.gather_light.output.spectra,
        films=rules.compare_light.output.films,
    output:
        report(
            "results/perovskites/figures/absorption.png",
            category="Perovskites: calculations",
            caption="captions/absorption.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_absorption.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.steps_light.plot_perovskite_absorption"),


use rule step as plot_perovskite_tilts with:
    input:
        angles=rules.gather_light.output.angles,
        tilts=rules.compare_light.output.tilts,
    output:
        report(
            "results/perovskites/figures/tilts.png",
            category="Perovskites: calculations",
            caption="captions/tilts_figure.rst",
        ),
    log:
        "results/logs/perovskites/plot_perovskite_tilts.log",
    localrule: True
    resources:
        **need(mb=800, minutes=10),
    params:
        **step("defectra.studies.perovskites.steps_light.plot_perovskite_tilts"),
