"""The one script of all rules: run the step that the rule names, and keep its log.

``params.step`` is a function of the package, e.g. ``defectra.studies.levels.steps.build_levels``;
it takes the job (input, output, params, wildcards). What it prints, and the traceback of a
failure, go to the log of the rule.
"""

from defectra.core.cores import follow_threads
from defectra.core.joblog import logged
from defectra.core.step import run
from defectra.core.watchdog import follow_ancestors

with logged(snakemake.log[0]):
    follow_threads(snakemake.threads)
    follow_ancestors()
    run(snakemake)
