rule page:
    """The report: findings in words, figures, tables and where they come from, on one page."""
    input:
        figures=[f"{REPORTS}/figures/{name}.png" for name in config["figures"]],
        tables=[f"{REPORTS}/{kind}/{name}.csv" for kind, name in ITEMS],
        attention=STORED["attention"],
        template="reports/templates/report.html.j2",
    output:
        page=report(
            f"{REPORTS}/report.html", category="Report", caption="../report/page.rst"
        ),
    log:
        f"{LOGS}/page.log",
    benchmark:
        f"{BENCHMARKS}/page.tsv"
    conda:
        "../../environment.yml"
    params:
        study=config["name"],
        captions={name: study.caption(name) for _, name in ITEMS},
        configuration=SOURCE,
        seed=config["seed"],
        source=digest(["src/prunescope/findings", "src/prunescope/report.py"]),
    script:
        "../scripts/page.py"


rule notebook:
    """The exploring notebook, executed on the scores of this study."""
    input:
        attention=STORED["attention"],
    output:
        touch(f"{RESULTS}/notebook.done"),
    log:
        notebook=f"{REPORTS}/retention_maps.ipynb",
    benchmark:
        f"{BENCHMARKS}/notebook.tsv"
    conda:
        "../../environment.yml"
    params:
        source=DRAWING,
    notebook:
        "../../notebooks/retention_maps.ipynb"


rule notebook_page:
    """The executed notebook as a page that needs no network."""
    input:
        rules.notebook.output,
    output:
        page=report(f"{REPORTS}/retention_maps.html", category="Report"),
    log:
        f"{LOGS}/notebook_page.log",
    conda:
        "../../environment.yml"
    params:
        notebook=rules.notebook.log.notebook,
    shell:
        "jupyter-nbconvert --to html --HTMLExporter.mathjax_url= --HTMLExporter.require_js_url= "
        "--TagRemovePreprocessor.enabled=True "
        "--TagRemovePreprocessor.remove_cell_tags=snakemake-job-properties "
        "--stdout {params.notebook} > {output.page} 2> {log}"
