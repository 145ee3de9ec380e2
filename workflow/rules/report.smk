# What all studies have in common at the end.


use rule step as collect_scores with:
    input:
        scorecards=expand("results/{study}/scorecard.csv", study=CONFIG.studies),
        checks=expand("results/{study}/checks.csv", study=CONFIG.studies),
    output:
        scorecard=report(
            "results/scorecard.csv",
            category="Scorecard",
            caption="../report/scorecard.rst",
        ),
        checks=report(
            "results/checks.csv",
            category="Checks",
            caption="../report/checks.rst",
        ),
    log:
        "results/logs/collect_scores.log",
    localrule: True
    params:
        **step("defectra.campaign.steps.collect_scores"),
