"""From a configuration to a report: scores, answers, cost, statistics, figures, report."""

from snakemake.utils import min_version

min_version("9.27")


# A study that is named on the command line replaces the default one; without the condition the two
# would be merged.
if not workflow.overwrite_configfiles:

    configfile: "workflow/config/smol.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/pretrained.smk"
include: "workflow/rules/testbed.smk"
include: "workflow/rules/smol.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/probe.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/attention.smk"
include: "workflow/rules/methods.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/cost.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


localrules:
    all,


rule all:
    """The report page with its figures and tables, and the notebook."""
    default_target: True
    input:
        page=rules.page.output.page,
        notebooks=expand(rules.notebook_page.output.page, model=STUDY.models),


onstart:
    announce()


onsuccess:
    summarize()
