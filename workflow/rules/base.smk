# What all rules share. A rule is `use rule step as NAME with:` its files, log, resources and the
# step of the package that it runs. One of seconds, which no cluster's queue is worth, says
# `localrule: True` itself: heirs do not take that over.


rule step:
    log:
        "results/logs/step.log",
    conda:
        PROJECT / "envs/defectra.yaml"
    threads: 1
    resources:
        **need(mb=500, minutes=10),
    script:
        PROJECT / "scripts/step.py"
