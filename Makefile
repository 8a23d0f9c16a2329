# `make` lists what it can make. Everything is installed into .venv first, where that is not done.
# PYTHON: the interpreter that .venv is made with, 3.11 or newer. CORES: how many a study may use.
PYTHON ?= python3
CORES ?= all
bin := .venv/bin
installed := .venv/installed
# what depends on the internals of transformers
engine := $(addprefix tests/, architectures checkpoints/test_hub_layout.py checkpoints/test_prismatic.py \
	criteria engine evaluation/test_shared_prefixes.py models test_pruning.py test_scores.py)
# for the programs that rules call
export PATH := $(abspath $(bin)):$(PATH)

.PHONY: help report open studies test test-oldest test-light lint docs example smoke rehearsal clean
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1	\2/p' Makefile | expand -t 20

report: $(installed)  ## the default study and its report, in about 5 minutes on two cores
	$(bin)/snakemake --cores $(CORES)
	@echo "For commands such as prunescope and snakemake: source .venv/bin/activate"

open: report  ## the report in a browser
	$(bin)/python -m webbrowser reports/report.html

STUDIES := origins smol-full testbed-full testbed-a1 ablations testbeds timing
studies: report  ## and all other studies: causes, every method, ablations, times
	for study in $(STUDIES); do \
		$(bin)/snakemake --cores $(CORES) --configfile workflow/config/$$study.yaml || exit; \
	done

test: $(installed)  ## all tests
	$(bin)/pytest --numprocesses auto

test-oldest:  ## the engine on the oldest transformers that is supported, in its own environment
	test -d .venv-oldest || $(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --editable '.[dev]' 'transformers==5.17.*'
	.venv-oldest/bin/pytest --numprocesses auto $(engine)

test-light:  ## the library alone, installed without a checkout, in its own environment
	test -d .venv-light || $(PYTHON) -m venv .venv-light
	.venv-light/bin/python -m pip install --quiet .
	cd $$(mktemp -d) && $(abspath .venv-light)/bin/prunescope demo && $(abspath .venv-light)/bin/prunescope doctor

lint: $(installed)  ## style, who may import whom, declared packages, dead code
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/snakefmt --check Snakefile workflow
	$(bin)/snakemake --lint --workflow-profile none
	$(bin)/lint-imports
	$(bin)/deptry src analysis workflow benchmarks
	$(bin)/vulture

docs: $(installed) .venv/installed-docs  ## the documentation, in site/, without a network
	NO_MKDOCS_2_WARNING=1 DISABLE_MKDOCS_2_WARNING=true $(bin)/mkdocs build --strict --quiet
	@echo "The documentation is site/index.html"

example: report  ## the report as an example in the documentation, its verdicts in the README
	$(bin)/python docs/scripts/results.py --copy

smoke: $(installed)  ## every step of a study on a few examples
	$(bin)/snakemake --cores $(CORES) --configfile workflow/config/smoke.yaml

rehearsal: $(installed)  ## the paper's study with a random model and a few made-up questions
	PYTHONPATH=tests $(bin)/python -m helpers.rehearsal data/rehearsal/files
	HF_HUB_OFFLINE=1 $(bin)/snakemake --cores $(CORES) --configfile workflow/config/rehearsal.yaml --set-threads timing=1

clean:  ## what the studies computed; the environment and finished training stay
	test ! -d results || find results -mindepth 1 -maxdepth 1 ! -name training -exec rm -rf {} +
	find reports -mindepth 1 -maxdepth 1 ! -name templates -exec rm -rf {} +
	rm -rf .snakemake data/rehearsal

$(installed): pyproject.toml
	test -d .venv || $(PYTHON) -m venv .venv
	$(bin)/python -m pip install --quiet --editable '.[dev]'
	touch $@

.venv/installed-docs: pyproject.toml
	$(bin)/python -m pip install --quiet --editable '.[docs]'
	touch $@
