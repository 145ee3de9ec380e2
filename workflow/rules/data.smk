# Published data that no mirror holds: each file from its source, checked, below resources/data.

from defectra.core.datasets import registered


# Compute nodes often reach no network: on the host that runs the workflow. No fingerprint of code:
# what was fetched and found right is not fetched again for a change of the program.
use rule step as fetch_published with:
    output:
        "resources/data/{path}",
    log:
        "results/logs/fetch_published/{path}.log",
    wildcard_constraints:
        path=r"(imaging|levels|perovskites|spectra)/.+",
    localrule: True
    params:
        step="defectra.core.datasets.fetch_published",
        sha256=lambda wildcards: registered(wildcards.path).sha256,
