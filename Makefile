# SPDX-License-Identifier: GPL-2.0-or-later
PYTHON := .venv/bin/python
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test lint campaign bench setup setup-libvirt clean

help:
	@echo 'make demo       set up what is missing, then show two nodes sharing memory'
	@echo 'make test       set up what is missing, then lint, types, unit and integration tests'
	@echo 'make lint       lint and types only'
	@echo 'make campaign   the tests that are too long for CI'
	@echo 'make bench      measure, side by side with what others need'
	@echo 'make bench-clone  measure what clones cost, from 1 to 64'
	@echo 'make bench-library  measure locks, queues and barriers between nodes'
	@echo 'make bench-driver  measure what the driver is worth, and what it costs'
	@echo 'make bench-coherence  measure what memory without coherence costs'
	@echo 'make bench-check  measure what the checker costs'
	@echo 'make setup      only set up: programs and .venv'
	@echo 'make setup-libvirt  and what nodes as libvirt domains need'
	@echo 'make clean      remove .venv and caches; fabrics and templates stay'
	@echo
	@echo "ARGS='...' is passed on, as in: make test ARGS='-k pool -x'"

setup:
	@scripts/setup

setup-libvirt:
	@scripts/setup --libvirt

demo:
	@scripts/setup
	@.venv/bin/famulus demo $(ARGS)

test:
	@scripts/setup --dev
	@$(PYTHON) -m pytest -m 'not campaign' $(ARGS)

lint:
	@scripts/setup --dev
	@$(PYTHON) -m pytest tests/unit/test_lint.py $(ARGS)

campaign:
	@scripts/setup --dev
	@$(PYTHON) -m pytest -m campaign $(ARGS)

bench: bench-up

bench-%:
	@scripts/setup --dev
	@$(PYTHON) -m bench.$* $(ARGS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find src tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
