# `make repro` sets up the environment and runs the pipeline; `make test` runs the tests. Nothing is installed
# system-wide: without uv on the PATH, it is installed into .uv/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
UV_VERSION := 0.9.0
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --locked --no-sync
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
# columns of `dvc exp show` that leave no room for the parameters: times, digests of code and data, further metrics
NOT_COMPARED := ^(Created$$|src/|pipelines/|outputs/|reports/|data|\.dvcignore|brier|matched_roc_auc|paired_win_rate|threshold)
PORT := 5000
SERVE_PORT := 5001
WORKERS := 2
BASE := origin/main
FROM := reviews

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# The programs of an environment name the folder that it was made in: a copied or moved checkout makes its own.
MADE_IN := $(shell sed -nE 's@^[^/]*(/.*)/\.venv/bin/python.*@\1@p' .venv/bin/dvc 2>/dev/null | head -n 1)
ELSEWHERE := $(if $(MADE_IN),$(if $(filter-out $(CURDIR),$(MADE_IN)),elsewhere))

.venv/.ready: pyproject.toml uv.lock $(filter .uv/bin/uv,$(UV)) $(ELSEWHERE)
	$(if $(ELSEWHERE),@echo "this checkout was copied or moved from $(MADE_IN): its environment is made anew"; rm -rf .venv)
	$(UV) sync --locked --compile-bytecode
	@touch $@

elsewhere:

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet 'uv>=$(UV_VERSION)'

setup: .venv/.ready  ## create the environment from uv.lock

# The check comes first, as DVC would wait for a pipe in data/ forever.
repro: setup  ## run the pipeline (dvc repro, with params.yaml's number of stages at a time)
	$(RUN) python -m fakefaces.ingest
	$(RUN) fakefaces repro
	@echo; $(RUN) fakefaces results

# As `repro`, but nothing is promoted: what a DVC remote or the cache has is taken from there. What `make promote` has
# written without DVC would keep that from checking anything out.
results: setup  ## make the results without promoting anything; BASE's and main's come from DVC's remote or cache
	$(RUN) python -m fakefaces.ingest
	-if [ -n "$$($(RUN) dvc remote list)" ]; then $(RUN) dvc fetch --run-cache; fi
	rm -f outputs/candidate.json
	-$(RUN) dvc checkout --allow-missing
	$(RUN) dvc repro report

pr-report: results  ## report what this commit changes of the results, beside BASE=origin/main, in pull_request/
	$(RUN) fakefaces pr-report --base $(BASE)

# The runs behind results that came from a cache are logged first, where the store lacks them.
promote: results  ## let the gate decide on this commit's best model; what continuous delivery runs on main
	-$(RUN) fakefaces doctor --fix
	$(RUN) python pipelines/promote.py

experiments: setup  ## compare the experiments: their best models, and the parameters that differ
	$(RUN) dvc exp show --no-pager --only-changed --drop '$(NOT_COMPARED)' --sort-by roc_auc --sort-order desc

test: setup  ## run the quick tests, by WORKERS=2 processes
	$(RUN) pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

test-all: setup  ## run all tests, slow ones included
	$(RUN) pytest -m 'not lock and not spark and not torture'

check-lock: setup  ## check that dvc.lock is up to date with code, parameters and data
	$(RUN) pytest -m lock tests/test_dvc_lock.py

test-postgres: setup  ## run the database tests on a private, temporary PostgreSQL
	FAKEFACES_TEST_POSTGRES=1 $(RUN) pytest -m '' -k postgresql tests/test_tune.py tests/tracking tests/registry tests/serving tests/maintenance

test-spark: setup  ## test scoring on Spark; needs Java 17 or newer, such as Debian's openjdk-17-jre-headless
	$(RUN) python -m fakefaces.scoring.spark_requirements
	$(RUN) pytest -m spark

torture: setup  ## bad files, kills, full disks: docs/reliability.md; TORTURE=0.1 for a tenth of them
	$(RUN) pytest -m torture tests/torture

lint: setup  ## check with ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: setup  ## fix and format with ruff
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

ui: setup  ## serve MLflow's UI on 127.0.0.1:5000, and open the runs
	$(RUN) fakefaces ui --port $(PORT)

serve: setup  ## serve the champion over HTTP on 127.0.0.1:5001
	$(RUN) fakefaces serve --port $(SERVE_PORT)

pictures: repro  ## run the pipeline, and retake the screenshots of MLflow, the report and the review page: one state
	$(RUN) python docs/pictures/pages.py
	$(RUN) python docs/pictures/report.py

app: setup  ## open the review page on 127.0.0.1:8080
	$(RUN) fakefaces review

retrain: setup  ## retrain with the labels of FROM=reviews on a branch, and open a pull request
	$(RUN) fakefaces retrain $(FROM)

month: setup  ## play a month of the whole loop in month/: docs/operations.md
	rm -rf month && $(RUN) python -m benchmarks.month month

sample: setup  ## draw the embedded sample again, byte for byte
	rm -rf samples && $(RUN) fakefaces sample samples

sbom: setup  ## write sbom.json: all packages of uv.lock, in CycloneDX
	@$(UV) export --help | grep -q cyclonedx1.5 || { echo "this uv cannot write CycloneDX: update it"; exit 1; }
	$(UV) export --locked --all-extras --no-dev --format cyclonedx1.5 --output-file sbom.json --quiet

.PHONY: elsewhere help setup repro results pr-report promote experiments test test-all check-lock test-postgres test-spark torture lint format ui serve app pictures retrain month sample sbom
