# Figures of the transition levels.


use rule step as plot_level_errors with:
    input:
        predictions=rules.evaluate_levels.output.predictions,
    output:
        report(
            "results/levels/figures/errors.png",
            category="Levels",
            caption="captions/errors.rst",
        ),
    log:
        "results/logs/levels/plot_level_errors.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_errors"),


use rule step as plot_level_coverage with:
    input:
        predictions=rules.evaluate_levels.output.predictions,
    output:
        report(
            "results/levels/figures/coverage.png",
            category="Levels",
            caption="captions/coverage.rst",
        ),
    log:
        "results/logs/levels/plot_level_coverage.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_coverage"),


use rule step as plot_level_gap with:
    input:
        predictions=rules.evaluate_levels.output.predictions,
        simulated=rules.simulate_levels.output[0],
    output:
        report(
            "results/levels/figures/gap.png",
            category="Levels",
            caption="captions/gap.rst",
        ),
    log:
        "results/logs/levels/plot_level_gap.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_gap"),


use rule step as plot_level_map with:
    input:
        space=rules.predict_levels.output.space,
    output:
        map=report(
            "results/levels/figures/map.png",
            category="Levels",
            caption="captions/map.rst",
        ),
        wall=report(
            "results/levels/figures/wall.png",
            category="Levels",
            caption="captions/wall.rst",
        ),
    log:
        "results/logs/levels/plot_level_map.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_map"),
        **HOSTS,


use rule step as plot_level_published with:
    input:
        space=rules.predict_levels.output.space,
    output:
        report(
            "results/levels/figures/published.png",
            category="Levels",
            caption="captions/published.rst",
        ),
    log:
        "results/logs/levels/plot_level_published.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_published"),


use rule step as plot_level_diagrams with:
    input:
        space=rules.predict_levels.output.space,
    output:
        report(
            "results/levels/figures/diagrams.png",
            category="Levels",
            caption="captions/diagrams.rst",
        ),
    log:
        "results/logs/levels/plot_level_diagrams.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_diagrams"),
        **HOSTS,
        config=leaf(CONFIG, "levels", "diagrams"),


use rule step as plot_hybrid_levels with:
    input:
        hybrid=rules.compare_hybrid_levels.output[0],
    output:
        report(
            "results/levels/figures/hybrid.png",
            category="Levels",
            caption="captions/hybrid_figure.rst",
        ),
    log:
        "results/logs/levels/plot_hybrid_levels.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_hybrid_levels"),


use rule step as plot_live_levels with:
    input:
        levels=rules.make_live_levels.output.levels,
    output:
        report(
            "results/levels/figures/live.png",
            category="Levels",
            caption="captions/live_figure.rst",
        ),
    log:
        "results/logs/levels/plot_live_levels.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_live_levels"),


use rule step as plot_level_sizes with:
    input:
        levels=rules.make_live_levels.output.levels,
        hosts=rules.run_levels.output.hosts,
    output:
        report(
            "results/levels/figures/sizes.png",
            category="Levels",
            caption="captions/sizes.rst",
        ),
    log:
        "results/logs/levels/plot_level_sizes.log",
    localrule: True
    resources:
        **need(mb=900, minutes=10),
    params:
        **step("defectra.studies.levels.plots.plot_level_sizes"),
