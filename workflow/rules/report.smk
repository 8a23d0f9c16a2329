rule ledger:
    """Every claim of the paper, judged on a model, and the paper's numbers beside ours."""
    input:
        records=COMPUTED["records"],
        attention=COMPUTED["attention"],
        methods=rules.methods.output.methods,
        reference=sorted(map(str, Path("data/reference").glob("*.csv"))),
    output:
        ledger=report(
            f"{REPORTS}/{{model}}/ledger.csv",
            category="Claims",
            caption="../report/item.rst",
            labels={"item": "ledger", "model": "{model}"},
        ),
        published=report(
            f"{REPORTS}/{{model}}/published.csv",
            category="Claims",
            caption="../report/item.rst",
            labels={"item": "ours beside published", "model": "{model}"},
        ),
        benchmarks=report(
            f"{REPORTS}/{{model}}/benchmarks.csv",
            category="Claims",
            caption="../report/item.rst",
            labels={"item": "the paper's benchmarks", "model": "{model}"},
        ),
    log:
        f"{LOGS}/{{model}}/ledger.log",
    benchmark:
        f"{BENCHMARKS}/{{model}}/ledger.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory,
    params:
        judging=lambda wildcards: {
            "library": STUDY.library,
            "claims": config["claims"],
            "bootstrap": STUDY.bootstrap,
            "stands_for": STUDY.models[wildcards.model]["stands_for"],
        },
        caption="What the paper claims, checked on this model, and its numbers beside ours.",
        code=code_of("ledger"),
    script:
        "../scripts/ledger.py"


rule page:
    """The report: claims, figures, tables and where they come from, on one page."""
    input:
        ledgers=expand(rules.ledger.output.ledger, model=STUDY.models),
        published=expand(rules.ledger.output.published, model=STUDY.models),
        benchmarks=expand(rules.ledger.output.benchmarks, model=STUDY.models),
        shown=[
            path
            for kind, name in ITEMS
            for path in expand(
                paths.item_files(STUDY, kind, name)[paths.SHOWN[kind]],
                model=STUDY.models,
            )
        ],
        records=COMPUTED["every_records"],
        attention=COMPUTED["every_attention"],
        template="reports/templates/report.html.j2",
        parts=sorted(map(str, Path("reports/templates").iterdir())),
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
        study=STUDY.name,
        stands_for={name: model["stands_for"] for name, model in STUDY.models.items()},
        notebook="retention_maps.html",
        captions={name: scripts.caption(name) for _, name in ITEMS},
        timings=BENCHMARKS,
        configuration=STUDY.source,
        seed=config["seed"],
        tolerance=config["claims"]["published_tolerance"],
        code=code_of("page"),
    script:
        "../scripts/page.py"


rule notebook:
    """The exploring notebook, executed on the scores of a model."""
    input:
        attention=COMPUTED["attention"],
    output:
        touch(f"{RESULTS}/notebook/{{model}}.done"),
    log:
        notebook=f"{REPORTS}/{{model}}/retention_maps.ipynb",
    benchmark:
        f"{BENCHMARKS}/{{model}}/notebook.tsv"
    conda:
        "../../environment.yml"
    resources:
        mem_mb=memory,
    params:
        code=script_digest("notebooks/retention_maps.ipynb"),
    notebook:
        "../../notebooks/retention_maps.ipynb"


rule notebook_page:
    """The executed notebook as a page that needs no network."""
    input:
        rules.notebook.output,
    output:
        page=report(
            f"{REPORTS}/{{model}}/retention_maps.html",
            category="Report",
            labels={"item": "notebook", "model": "{model}"},
        ),
    log:
        f"{LOGS}/{{model}}/notebook_page.log",
    conda:
        "../../environment.yml"
    params:
        notebook=rules.notebook.log.notebook,
    shell:
        "jupyter-nbconvert --to html --HTMLExporter.mathjax_url= --HTMLExporter.require_js_url= "
        "--TagRemovePreprocessor.enabled=True "
        "--TagRemovePreprocessor.remove_cell_tags=snakemake-job-properties "
        "--stdout {params.notebook} > {output.page} 2> {log}"
