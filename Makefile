# Everything here works in a fresh clone of Debian 12 with git and make, as root or as anybody.
#   make demo [FRESH=1]     the main job on sample data, in ./demo
#   make test               every test, on SQLite and PostgreSQL
#   make sweep | fuzz | bench | features [LAST=1] | mutants | lint | lock | clean

PYTHON ?=
PYTEST_ARGS ?= -n 2 --dist worksteal
MUTANTS_S ?= 1800

SHELL := /bin/bash
export PATH := $(PATH):/usr/sbin:/sbin
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
APT := DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends

SERVERS := postgresql openssh-server chromium systemd groff zsh fish
.DEFAULT_GOAL := test
.PHONY: demo test sweep fuzz bench features mutants lint lock clean servers

demo: build/runtime.stamp
	@$(BIN)/echeance demo $(if $(FRESH),--fresh)

test: build/dev.stamp servers
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

sweep: build/dev.stamp servers
	@$(BIN)/python -m pytest -m sweep --all-failpoints $(PYTEST_ARGS)

# Damaged files: 10 000 a dialect, then files drawn for minutes; those that break a promise are kept.
fuzz: build/dev.stamp
	@FUZZ=1 $(BIN)/python -m pytest tests/formats/robustness $(PYTEST_ARGS)

bench: build/dev.stamp servers
	@$(BIN)/python -m tests.bench

features: build/dev.stamp $(if $(LAST),,servers)
	@$(if $(LAST),,$(BIN)/python -m pytest -q -m feature $(PYTEST_ARGS) || true)
	@$(BIN)/python -m tests.plugins.feature_table

mutants: build/dev.stamp
	@rm -rf mutants
	@timeout $(MUTANTS_S) $(BIN)/mutmut run --max-children $$(nproc) >build/mutants.log \
	|| { tr '\r' '\n' <build/mutants.log | tail -n 30; echo "Stopped before its end."; exit 1; }
	@tr '\r' '\n' <build/mutants.log | grep -E '[0-9]+/[0-9]+' | tail -n 1
	@$(BIN)/mutmut results >build/survivors.txt
	@echo "Unnoticed changes ($(BIN)/mutmut show NAME prints one):"
	@grep -v 'no tests' build/survivors.txt || echo "    none"
	@echo "Changes no test reaches, per function:"
	@sed -n 's/__mutmut_[0-9]*: no tests//p' build/survivors.txt | uniq -c

lint: build/dev.stamp
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# The locks hold hashes for every platform and Python, and no address they came from.
lock: .venv/bin/python
	@rm -rf build/lock && $(BIN)/python -m venv build/lock && build/lock/bin/pip install --quiet uv
	@lock="build/lock/bin/uv pip compile --quiet --system-certs --universal --generate-hashes --no-header"; \
	$$lock pyproject.toml --group build -o runtime.lock && \
	$$lock pyproject.toml --group dev -c runtime.lock -o dev.lock

clean:
	rm -rf build .venv

build/runtime.stamp: runtime.lock pyproject.toml .venv/bin/python
	@$(PIP) install --require-hashes -r runtime.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@mkdir -p build && touch $@

build/dev.stamp: dev.lock build/runtime.stamp
	@$(PIP) install --require-hashes -r dev.lock
	@touch $@

# A Python counts when it is 3.11 or newer and can make virtual environments.
FIND_PYTHON = for python in $(PYTHON) python3 python3.13 python3.12 python3.11 /usr/bin/python3; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done

.venv/bin/python:
	@python=$$($(FIND_PYTHON)); \
	if [ -z "$$python" ] && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && $(APT) python3-venv >/dev/null && python=$$($(FIND_PYTHON)); \
	fi; \
	[ -n "$$python" ] || { echo "Python 3.11 with venv is missing; as root: apt-get install python3-venv"; exit 1; }; \
	"$$python" -m venv --clear .venv

# Without these servers and programs the tests report their share as not run, and fail.
servers:
	@compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && [ -x /usr/sbin/sshd ] \
	&& type chromium systemd-analyze groff zsh fish >/dev/null 2>&1 \
	|| [ "$$(id -u)" != 0 ] \
	|| { apt-get update -qq && $(APT) $(SERVERS) >/dev/null; } \
	|| echo "Not all of $(SERVERS) could be installed."
