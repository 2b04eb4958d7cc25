# Everything starts from here; `make help` lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXAMPLE := reportgen/example
SAMPLES := sample_reports
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help report test test-long bench calibrate lint types samples format clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-10s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

report: $(STAMP)  ## Explain the two checkpoints that ship with the project; the main job, on no other input
	$(BIN)/reportgen build --model $(EXAMPLE)/honest.pth --images $(EXAMPLE)/scenes --out report/honest
	$(BIN)/reportgen build --model $(EXAMPLE)/shortcut.pth --images $(EXAMPLE)/marked --out report/shortcut

test: $(STAMP)  ## Run all tests
	@# One thread each: the workers share the cores, and torch's threads would wait for one another.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist loadfile

test-long: $(STAMP)  ## Run the crash tests in full: every step, 50 kills, 20 pairs of runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 -m long

bench: $(STAMP)  ## Time the write-up's way and ours; BENCH="--quick" to see that it runs, see docs/performance.md
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

calibrate: $(STAMP)  ## How often the verdicts err, on fresh scenes; see docs/verdicts.md
	PYTHONPATH=tests $(BIN)/python -m bench.verdicts $(CALIBRATE)

lint: $(STAMP)  ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)  ## Check types, strictly
	$(BIN)/mypy

samples: $(STAMP)  ## Rebuild sample_reports/
	@# In a fresh clone the folders hold no run/, by which a report is known as one of ours.
	$(BIN)/reportgen build --model $(EXAMPLE)/honest.pth --images $(EXAMPLE)/scenes --pick per-class --limit 6 --overwrite --out $(SAMPLES)/honest
	$(BIN)/reportgen build --model $(EXAMPLE)/shortcut.pth --images $(EXAMPLE)/marked --limit 6 --overwrite --out $(SAMPLES)/shortcut
	$(BIN)/reportgen build --model $(EXAMPLE)/honest.pth --images $(EXAMPLE)/scenes --indices 2,4,6,8 --profile hw5 \
	    --author "Ada Example" --student-id b00000000 --format pdf,json --overwrite --out $(SAMPLES)/hw5
	for lang in zh-Hant zh-Hans; do $(BIN)/reportgen render $(SAMPLES)/hw5 --lang $$lang --format pdf --overwrite --out $(SAMPLES)/hw5-$$lang || exit 1; done

format: $(STAMP)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## Remove everything that make has made
	rm -rf $(VENV) report build dist .mypy_cache .pytest_cache .ruff_cache
