# `make repro` sets up and runs the pipeline; `make test` sets up and runs the tests. Nothing is installed
# system-wide: without uv on the PATH, one is put into .uv/.

SHELL := /bin/bash
.DEFAULT_GOAL := help
UV_VERSION := 0.9.0
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
RUN := $(UV) run --locked --no-sync
export MLFLOW_DISABLE_TELEMETRY := true
export DO_NOT_TRACK := true
PORT := 5000
SERVE_PORT := 5001

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/.ready: pyproject.toml uv.lock $(filter .uv/bin/uv,$(UV))
	$(UV) sync --locked --compile-bytecode
	@touch $@

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/pip install --quiet 'uv>=$(UV_VERSION)'

setup: .venv/.ready  ## make the environment from the lock file

repro: setup  ## run the pipeline: dvc repro
	$(RUN) dvc repro

test: setup  ## run the tests
	$(RUN) pytest

test-all: setup  ## run the slow tests too
	$(RUN) pytest -m 'not lock'

check-lock: setup  ## whether dvc.lock is true: no code or parameter has changed since the last full run
	$(RUN) pytest -m lock tests/test_dvc_lock.py

test-postgres: setup  ## the tests of the databases, on a private PostgreSQL that is stopped at the end
	FAKEFACES_TEST_POSTGRES=1 $(RUN) pytest -m '' -k postgresql tests/test_tune.py tests/tracking tests/upkeep

lint: setup  ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: setup  ## let ruff mend what it can
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

ui: setup  ## MLflow's pages on 127.0.0.1:5000
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(RUN) mlflow ui --workers 1 --host 127.0.0.1 --port $(PORT) --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///$(CURDIR)/mlruns/mlflow.db}"

serve: setup  ## the champion over HTTP on 127.0.0.1:5001, by MLflow's scoring server
	$(RUN) fakefaces serve --port $(SERVE_PORT)

pictures: setup  ## take the README's pictures again: of MLflow's pages, of the report and of the review page
	$(RUN) python docs/pictures/pages.py
	$(RUN) python docs/pictures/report.py

app: setup  ## the page for reviewing photographs with the champion, on 127.0.0.1:8080
	$(RUN) fakefaces review

sample: setup  ## draw the embedded sample again
	rm -rf samples && $(RUN) fakefaces sample samples

.PHONY: help setup repro test test-all check-lock test-postgres lint format ui serve app pictures sample
