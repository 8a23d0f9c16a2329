from pathlib import Path

FIRST = next(iter(config["models"]))


rule ledger:
    """Every claim of the paper, judged on the first model, and the paper's numbers beside ours."""
    input:
        records=[
            f"{RESULTS}/records/{FIRST}/{task}.parquet" for task in config["tasks"]
        ],
        attention=[
            f"{RESULTS}/attention/{FIRST}/{task}.zarr" for task in config["tasks"]
        ],
        reference=sorted(map(str, Path("data/reference").glob("*.csv"))),
    output:
        ledger=report(
            f"{REPORTS}/ledger.csv",
            category="Claims",
            caption="../report/item.rst",
            labels={"item": "ledger"},
        ),
        published=report(
            f"{REPORTS}/published.csv",
            category="Claims",
            caption="../report/item.rst",
            labels={"item": "ours beside published"},
        ),
    log:
        f"{LOGS}/ledger.log",
    benchmark:
        f"{BENCHMARKS}/ledger.tsv"
    conda:
        "../../environment.yml"
    params:
        methods=METHODS,
        library=study.read_library(config),
        claims=config["claims"],
        bootstrap=SHARED["bootstrap"],
        caption="What the paper claims, checked on this study, and its numbers beside ours.",
        source=[digest(["src/prunescope/findings"]), DRAWING],
    script:
        "../scripts/ledger.py"


rule page:
    """The report: claims, figures, tables and where they come from, on one page."""
    input:
        ledger=rules.ledger.output.ledger,
        published=rules.ledger.output.published,
        figures=[f"{REPORTS}/figures/{name}.png" for name in config["figures"]],
        tables=[f"{REPORTS}/tables/{name}.csv" for name in config["tables"]],
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
        source=digest(["src/prunescope/findings/words.py", "src/prunescope/report.py"]),
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
