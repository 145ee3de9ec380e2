# What all studies have in common at the end.


use rule quick as collect_scores with:
    input:
        expand("results/{study}/scorecard.csv", study=CONFIG.studies),
    output:
        report(
            "results/scorecard.csv",
            category="Scorecard",
            caption="../report/scorecard.rst",
        ),
    log:
        "results/logs/collect_scores.log",
    params:
        **step("defectra.campaign.steps.collect_scores"),
