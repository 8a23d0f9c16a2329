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
