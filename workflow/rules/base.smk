# What all rules share. A rule is `use rule step as NAME with:` its files, log, resources and the
# step of the package that it runs; `use rule quick as NAME` is one of seconds, which no cluster's
# queue is worth.


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


use rule step as quick with:
    localrule: True
