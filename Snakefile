"""Defectra: from defects to spectra and levels, to tables, to models, to figures."""


include: "workflow/Snakefile"


rule everything:
    default_target: True
    input:
        rules.all.input,
