# Decoders before any image: their scores over tokens without content. A decoder of the hub is
# fetched as a model is.

DECODER_DOWNLOADS = probes.downloads(STUDY.config)


use rule download as download_decoder with:
    log:
        f"{LOGS}/download_decoder/{{folder}}.log",
    benchmark:
        f"{BENCHMARKS}/download_decoder/{{folder}}.tsv"
    wildcard_constraints:
        folder="|".join(map(escape, DECODER_DOWNLOADS)) or NOTHING,
    params:
        request=lambda wildcards: DECODER_DOWNLOADS[wildcards.folder],


rule probe:
    """Scores of a decoder over tokens without content, one store for each content."""
    input:
        files=probed_files,
    output:
        stores=[
            directory(f"{RESULTS}/probe/{{decoder}}/{content}.zarr")
            for content in config["probe"]["contents"]
        ],
    log:
        f"{LOGS}/probe/{{decoder}}.log",
    benchmark:
        f"{BENCHMARKS}/probe/{{decoder}}.tsv"
    wildcard_constraints:
        decoder="|".join(map(escape, PROBED)) or NOTHING,
    priority: FIRST
    conda:
        "../../environment.yml"
    threads: config["threads"]
    resources:
        gpu=GPUS,
    params:
        decoder=lambda wildcards: PROBED[wildcards.decoder].settings(),
        contents=config["probe"]["contents"],
        grid=config["probe"]["grid"],
        draws=config["probe"]["draws"],
        dtype=config["dtype"],
        device=config["device"],
        code=code_of("probe"),
    script:
        "../scripts/probe.py"
