# What all studies have in common at the end.

from defectra.report.of_run import FilesOfStudies


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


# The page about all studies of the config, and that about one: results/<study>/report.html. They
# show what the rules of these studies make now: an earlier run of the folder may have left more.
MADE_FOR = FilesOfStudies(
    {study: getattr(rules, study).input for study in study_names()}, workflow
)


use rule step as make_report with:
    input:
        rules.collect_scores.output,
        [getattr(rules, study).input for study in CONFIG.studies],
    output:
        "results/report.html",
    log:
        "results/logs/report.log",
    localrule: True
    params:
        **step("defectra.report.steps.make_report"),
        made=lambda wildcards: MADE_FOR(CONFIG.studies),
        studies=CONFIG.studies,
        others=[study for study in study_names() if study not in CONFIG.studies],
        captions=texts_digest(study_names()),


use rule make_report as report_study with:
    input:
        lambda wildcards: getattr(rules, wildcards.study).input,
    output:
        "results/{study}/report.html",
    log:
        "results/logs/{study}/report.log",
    wildcard_constraints:
        study="|".join(study_names()),
    localrule: True
    params:
        **step("defectra.report.steps.make_report"),
        made=lambda wildcards: MADE_FOR([wildcards.study]),
        studies=lambda wildcards: [wildcards.study],
        others=[],
        captions=lambda wildcards: texts_digest([wildcards.study]),
