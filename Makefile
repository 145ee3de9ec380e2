# Two commands for a newcomer: `make run` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; \
	done)
VENV ?= .venv
PY := $(VENV)/bin/python
GPAW := .venv-gpaw
CONFIG ?= config/config.yaml
DIRECTORY ?= .
# Those that this process may use (affinity); the launcher looks at limits of the group, too.
WORKERS ?= $(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
PROFILE ?= default
MINUTES ?= 20
PORTIONS ?= 1 2 3 4 5 6 7 8 9 10
SLURM_TESTS ?= slurm two_nodes batch_systems controller tutorial
BENCHMARKS ?= enumeration features feff feff_cost libraries references sites speckle training workflow all_studies
STUDIES := $(notdir $(patsubst %/,%,$(dir $(wildcard workflow/defectra/studies/*/settings.py))))

export PYTHONPATH := workflow
# A path as one word of the shell, blanks and all; a tilde at its head still stands for the home.
path = $(subst "~/,~/","$(1)")
LAUNCH = $(PY) -m defectra.cli.launcher run --config $(call path,$(CONFIG)) --directory $(call path,$(DIRECTORY)) \
	$(if $(CORES),--cores $(CORES)) --profile $(call path,$(PROFILE)) \
	$(if $(MIRROR),--mirror $(call path,$(MIRROR))) $(ARGS)
# uv is quick; pip does the same where uv cannot reach the index that pip is configured for.
define install
	@$(VENV)/bin/uv pip install -q --compile-bytecode --python $(PY) $(1) 2>/dev/null || $(PY) -m pip install -q $(1)
endef

TARGETS := help run ladder report published figure docs plan test test-figures test-reruns changes test-slurm test-faults test-fuzz walk \
	structures engines gpaw measured instruments corrections live slurm costs archive bench lint lock config overview \
	relaxers clean distclean
.PHONY: $(TARGETS) $(STUDIES)

.DEFAULT:
	@near=$$($(PY) -c 'import sys; from defectra.core.errors import meant; print(meant(sys.argv[1], sys.argv[2:]))' \
		"$@" $(STUDIES) $(TARGETS) 2>/dev/null); echo "no target $@$$near; make help lists all"; exit 2

help:  ## this list
	@sed -n 's/^\([a-z -]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
	@printf 'STUDY\tone study alone, with MIRROR=folder of the published data: %s\n' "$(STUDIES)" | expand -t 12

run: $(VENV)/.installed  ## the default campaign and its report, results/report.html
	@$(LAUNCH)

$(STUDIES): $(VENV)/.installed
	@$(LAUNCH) $@

ladder: $(VENV)/.installed  ## one site at several fidelities (codes, protocols), computed and parsed; needs MIRROR
	@$(LAUNCH) ladder

published: $(VENV)/.installed  ## every figure and table of the papers that can be made: docs/published.md
	@targets=$$($(PY) -m defectra.report.published targets) && $(LAUNCH) $$targets

figure: $(VENV)/.installed  ## one figure or table of a paper: FIG=2203.10349:gap
	@target=$$($(PY) -m defectra.report.published target "$(FIG)") && $(LAUNCH) $$target

report: $(VENV)/.installed  ## make the report anew
	@rm -f $(call path,$(DIRECTORY)/results/report.html)
	@$(LAUNCH)

plan: $(VENV)/.installed  ## what would run, its cost, and what cannot run; shards for jobs of MINUTES=20
	@$(PY) -m defectra.cli.main plan --config $(call path,$(CONFIG)) --directory $(call path,$(DIRECTORY)) \
		--minutes $(MINUTES) $(if $(MIRROR),--mirror $(call path,$(MIRROR)))

test: $(VENV)/.installed-test  ## the test suite
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations=25 --durations-min=3

structures: $(VENV)/.installed  ## cells of your own: REQUEST=request.yaml, see README
	@$(PY) -m defectra.structures.make "$(or $(REQUEST),request.yaml)" \
		results/own/structures.parquet results/own

walk: $(VENV)/.installed-test $(VENV)/.installed-slurm  ## README, tutorials, commands and mistakes of a newcomer, in a fresh copy without git
	@$(PY) tests/walk/walk.py $(ARGS)

test-slurm: $(VENV)/.installed-test $(VENV)/.installed-slurm  ## the workflow on a real Slurm of one node and of two, by PBS and LSF
	@for f in $(SLURM_TESTS); do \
		timeout -k 60 3600 $(PY) -m pytest tests/slurm/test_$$f.py -m slurm || exit; done

test-figures: $(VENV)/.installed-test  ## every figure of few, equal and empty rows
	@$(PY) -m pytest -n $(WORKERS) tests/unit/test_figures.py -m figures

test-reruns: $(VENV)/.installed-test  ## Snakemake by hand; what each change of a campaign reruns
	@$(PY) -m pytest -n $(WORKERS) --dist loadfile tests/reruns

changes: $(VENV)/.installed-test  ## the table of changes in docs/workflow.md, WORDS="studies/nmc" alone
	@PYTHONPATH=workflow:tests:tests/workflow:tests/reruns $(PY) tests/reruns/find_changes.py $(WORDS)

test-faults: $(VENV)/.installed-test  ## kills, full disks, damaged files; counts in results/faults.json
	@$(PY) -m pytest tests/faults

test-fuzz: $(VENV)/.installed-test  ## readers, config loader: 10,000 cases each; PORTIONS="3 4" of ten
	@for portion in $(PORTIONS); do echo "portion $$portion"; \
		DEFECTRA_FUZZ=1000 DEFECTRA_FUZZ_PORTION=$$portion $(PY) -m pytest \
		tests/unit/test_fuzz.py tests/unit/test_fuzz_readers.py tests/unit/test_fuzz_columns.py \
		tests/unit/test_fuzz_crystals.py $(if $(ONLY),-k "$(ONLY)") || exit 1; done

docs: $(VENV)/.installed-docs  ## the documentation as a site, build/site; a broken link fails
	@$(PY) -m defectra.report.published page
	@$(PY) -m defectra.report.readme
	@NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --strict

overview: $(VENV)/.installed  ## the picture of the README, docs/overview.png, from the tables of study nmc
	@$(LAUNCH) results/nmc/metrics.csv results/nmc/blocks/weights.csv
	@$(PY) -m defectra.studies.nmc.overview $(call path,$(DIRECTORY)/results)

lint: $(VENV)/.installed-test  ## formatters, linters, types, snakemake --lint
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/snakefmt --check Snakefile workflow
	$(PY) -m snakemake --lint
	$(PY) -m mypy

engines: $(VENV)/.installed-engines gpaw  ## CHGNet (brings torch, 1.5 GB) and GPAW (compiles)

relaxers: $(VENV)/.installed-relaxers  ## SevenNet: a second potential that relaxes cells of study nmc

gpaw: $(GPAW)/.installed  ## GPAW alone, in an environment of its own (.venv-gpaw); MPI=1 for several cores

measured: $(VENV)/.installed-measured  ## readers of Gatan files (rosettasciio)

instruments: $(VENV)/.installed-instruments  ## torch, abTEM, image libraries: studies of patterns and images

corrections: $(VENV)/.installed-levels  ## finite-size corrections of charged cells (pydefect)

live: $(VENV)/.installed-levels  ## compute hosts and charged cells of study levels into resources/archive/levels: resumable
	OMP_NUM_THREADS=1 $(PY) -m defectra.campaign.worker levels --config config/archive.yaml
	$(PY) -m defectra.campaign.archive export levels --config config/archive.yaml

slurm: $(VENV)/.installed-slurm  ## Slurm for Snakemake: make run PROFILE=slurm, docs/cluster.md

costs: $(VENV)/.installed  ## fit workflow/costs.yaml to the archive anew
	$(PY) -m defectra.campaign.fit_costs

archive: $(VENV)/.installed-engines  ## fill resources/archive: resumable, stop it at any time
	@pids=(); trap 'kill "$${pids[@]}" 2>/dev/null' INT TERM; \
	for w in $$(seq $(WORKERS)); do \
		OMP_NUM_THREADS=1 $(PY) -m defectra.campaign.archive fill nmc --config config/archive.yaml & pids+=($$!); \
	done; wait
	$(PY) -m defectra.campaign.archive export nmc --config config/archive.yaml

bench: $(VENV)/.installed-test  ## benchmarks, results/benchmarks.jsonl
	@set -o pipefail; for name in $(BENCHMARKS); do \
		$(PY) -m benchmarks.$$name || exit 1; \
	done | tee results/benchmarks.jsonl

lock: $(VENV)/.installed-test  ## resolve the locks in envs/ anew; KEEP=1: versions that still fit stay
	$(PY) -m defectra.core.locks $(if $(KEEP),--keep)

config: $(VENV)/.installed  ## write config/studies/*.yaml and the JSON schema from the settings
	$(PY) -m defectra.core.configdocs

clean:  ## remove results, but keep the journals of finished calculations
	find results -mindepth 1 -maxdepth 1 ! -name .gitkeep ! -name store ! -name archive \
		-exec rm -rf {} +
	rm -rf .snakemake .pytest_cache .mypy_cache .ruff_cache

distclean: clean  ## remove the environment and everything computed as well
	rm -rf $(VENV) $(GPAW) results/store results/archive

$(VENV)/.installed: envs/installer.txt envs/requirements.txt pyproject.toml
	@$(or $(PYTHON),false) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo "$(or $(PYTHON),python3) is no Python 3.11 or newer (with venv);" \
		"name one: make run PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) (once, about half a minute) ..."
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r envs/installer.txt
	$(call install,--require-hashes -r envs/requirements.txt)
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed envs/requirements-test.txt
	$(call install,--require-hashes -r envs/requirements-test.txt)
	@touch $@

$(VENV)/.installed-levels: $(VENV)/.installed envs/requirements-levels.txt
	$(call install,--require-hashes -r envs/requirements-levels.txt)
	@touch $@

$(VENV)/.installed-measured: $(VENV)/.installed envs/requirements-measured.txt
	$(call install,--require-hashes -r envs/requirements-measured.txt)
	@touch $@

$(VENV)/.installed-slurm: $(VENV)/.installed envs/requirements-slurm.txt
	$(call install,--require-hashes -r envs/requirements-slurm.txt)
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed envs/requirements-docs.txt
	$(call install,--require-hashes -r envs/requirements-docs.txt)
	@touch $@

$(VENV)/.installed-engines: $(VENV)/.installed envs/requirements-engines.txt
	@$(PY) -m pip install -q --no-deps -r envs/requirements-engines.txt || { \
		echo "No CPU build of torch found; see the head of envs/requirements-engines.txt."; exit 1; }
	@touch $@

$(VENV)/.installed-relaxers: $(VENV)/.installed-engines envs/requirements-relaxers.txt
	@$(PY) -m pip install -q --no-deps -r envs/requirements-relaxers.txt
	@touch $@

$(VENV)/.installed-instruments: $(VENV)/.installed envs/requirements-instruments.txt
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps -r envs/requirements-instruments.txt || { \
		echo "No CPU build of torch found; see the head of envs/requirements-engines.txt."; exit 1; }
	@touch $@

$(GPAW)/.installed: envs/requirements-gpaw.txt envs/gpaw_siteconfig.py
	@MPI=$(MPI) sh envs/check_gpaw.sh
	@echo "Building GPAW in $(GPAW) (once, about a minute) ..."
	@test -x $(GPAW)/bin/python || $(PYTHON) -m venv $(GPAW)
	@MPI=$(MPI) GPAW_CONFIG=$(CURDIR)/envs/gpaw_siteconfig.py $(GPAW)/bin/python -m pip install -q --no-cache-dir \
		--disable-pip-version-check -r envs/requirements-gpaw.txt > $(GPAW)/build.log 2>&1 || { \
		echo "GPAW could not be built; the last lines of $(GPAW)/build.log:"; \
		tail -n 5 $(GPAW)/build.log; exit 1; }
	@touch $@
