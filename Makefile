# SPDX-License-Identifier: GPL-2.0-or-later
PYTHON := .venv/bin/python
ARGS ?=
PART ?=
WORKERS ?= 2
# A file of tests stays in one worker, whose fixtures it shares. tests/conftest.py says the order.
PYTEST = $(PYTHON) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test unit lint campaign bench setup setup-libvirt clean

help:
	@echo 'make demo       set up what is missing, then show two nodes sharing memory'
	@echo 'make test       set up what is missing, then lint, types, unit and integration tests'
	@echo 'make unit       the tests that start no node, in a minute or two'
	@echo 'make lint       lint and types only'
	@echo 'make campaign   the tests that are too long for CI; PART=kills runs one part'
	@echo 'make bench      measure how soon a fabric is up, side by side with debvm'
	@echo 'make bench-clone  measure the cost of clones, from 1 to 64'
	@echo 'make bench-library  measure locks, queues and barriers between nodes'
	@echo 'make bench-driver  measure the worth and the cost of the driver'
	@echo 'make bench-coherence  measure the cost of memory without coherence'
	@echo 'make bench-check  measure the cost of the checker'
	@echo 'make setup      only set up: programs and .venv'
	@echo 'make setup-libvirt  set up programs that nodes as libvirt domains need, too'
	@echo 'make clean      remove .venv and caches; fabrics and templates stay'
	@echo
	@echo "ARGS='...' is passed on, as in: make test ARGS='-k pool -x'"
	@echo "WORKERS=N runs N files of tests at a time, by default $(WORKERS)"

setup:
	@scripts/setup

setup-libvirt:
	@scripts/setup --libvirt

demo:
	@scripts/setup
	@.venv/bin/famulus demo $(ARGS)

test:
	@scripts/setup --dev
	@$(PYTEST) -m 'not campaign' --durations=25 $(ARGS)

unit:
	@scripts/setup --dev
	@$(PYTEST) -m 'not campaign and not integration' --durations=10 $(ARGS)

lint:
	@scripts/setup --dev
	@$(PYTHON) -m pytest tests/unit/test_lint.py $(ARGS)

campaign:
	@scripts/setup --dev
	@$(PYTHON) -m pytest -p tests.campaign -m campaign --part '$(PART)' $(ARGS)

bench: bench-up

bench-%:
	@scripts/setup --dev
	@$(PYTHON) -m bench.$* $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
