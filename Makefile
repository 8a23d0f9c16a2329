# Two commands do all the set-up: `make report` and `make test`.
# PYTHON: the interpreter that .venv is made with, 3.11 or newer.
PYTHON ?= python3
CORES ?= all
bin := .venv/bin
installed := .venv/installed
# what depends on the internals of transformers
engine := $(addprefix tests/, architectures checkpoints/test_hub_layout.py checkpoints/test_prismatic.py \
	criteria engine evaluation/test_shared_prefixes.py models test_pruning.py test_scores.py)
# for the programs that rules call
export PATH := $(abspath $(bin)):$(PATH)

.PHONY: report studies test test-oldest test-light lint docs example smoke rehearsal clean
.DELETE_ON_ERROR:

report: $(installed)  ## the study of the testbed, and its report
	$(bin)/snakemake --cores $(CORES)
	@echo "The report is reports/report.html"

studies: report  ## and the other studies of testbeds: second encoder, ablations, causes
	$(bin)/snakemake --cores $(CORES) --configfile workflow/config/testbed-a1.yaml
	$(bin)/snakemake --cores $(CORES) --configfile workflow/config/ablations.yaml
	$(bin)/snakemake --cores $(CORES) --configfile workflow/config/testbeds.yaml
	@echo "The reports are reports/report.html and reports/{testbed-a1,ablations,testbeds}/report.html"

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
	$(bin)/snakemake --lint
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
	@echo "The report is reports/smoke/report.html"

rehearsal: $(installed)  ## the paper's study with a random model and a few made-up questions
	PYTHONPATH=tests $(bin)/python -m helpers.rehearsal data/rehearsal/files
	HF_HUB_OFFLINE=1 $(bin)/snakemake --cores $(CORES) --configfile workflow/config/rehearsal.yaml --set-threads timing=1
	@echo "The report is reports/rehearsal/report.html"

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
