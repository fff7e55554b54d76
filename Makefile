# samdrift: everything there is to make. `make` or `make help` lists it.
# What needs the lab needs root (systemd-nspawn, a bridge, nftables); everything else does not.

PYTHON ?= python3
BIN    := .venv/bin
ROOT   := $(filter 0,$(shell id -u))

# Where Python may not keep what it has compiled, each of the hundreds of commands that tests run compiles it anew.
unexport PYTHONDONTWRITEBYTECODE

# The lab, and before it those that tests have beside it: where one was killed, it could not take its own down.
LAB_DOWN = for own in own/lab sixth/twins sixth/real; do SAMDRIFT_LAB_DIR="$${SAMDRIFT_LAB_DIR:-.lab}/$$own" $(BIN)/samdrift lab down > /dev/null; done; $(BIN)/samdrift lab down
# Whatever happens in between, the lab is taken down: nothing of it is left behind.
LAB_DOWN_AFTER = trap '$(LAB_DOWN)' EXIT; trap 'exit 130' INT; trap 'exit 143' TERM HUP;

.DEFAULT_GOAL := help
.PHONY: help setup demo test soak audit check lint types coverage unit format lab-up lab-down bench lock lock-netbox clean need-root

help: ## This list
	@echo "samdrift: make TARGET"
	@awk -F ' *## *' '/^[a-z-]+:.*##/ { sub(/:.*/, "", $$1); printf "  %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: need-root setup ## The main job on real hosts, told as a story: plan, apply, verify, drift, report (root, < 10 min)
	@$(LAB_DOWN_AFTER) $(BIN)/python -m deploy.tools.demo

test: setup ## Tests, as root on the lab's hosts too (under 20 minutes on two cores); LONG=1, as CI does: all but the soak (about an hour)
ifeq ($(ROOT),)
	@echo "make test: not root, so the tests that need the lab are left out; run it as root for all of them" >&2
	@$(BIN)/pytest -m "not lab and not soak$(if $(LONG),, and not long)"
else
	@$(LAB_DOWN_AFTER) SAMDRIFT_LONG=$(LONG) $(BIN)/python -m tests.side_by_side
endif

soak: need-root setup ## The long tests that `make test` has a shorter one of (root, tens of minutes)
	@$(LAB_DOWN_AFTER) failed=0; $(BIN)/pytest -m soak || failed=1; \
	  $(BIN)/pytest -q tests/unit -m "hypothesis and not soak" --hypothesis-profile=thorough || failed=1; exit $$failed

audit: need-root setup ## Lynis, OpenSCAP, ssh-audit, nmap and others on the lab's hosts, beside a fresh Debian and the last results (root)
	@$(LAB_DOWN_AFTER) $(BIN)/python -m tests.audit

check: lint types unit ## What CI asks before the lab: lint, types, unit tests

lint: setup ## Ruff: rules and format; the floors of the house (import-linter)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports --no-cache

types: setup ## mypy --strict
	@$(BIN)/mypy

coverage: setup ## Coverage of the unit tests, which takes them twice their time (tests/conftest.py says of which)
	@$(BIN)/pytest -q tests/unit -m "not soak" --cov

unit: setup ## Unit tests only: no root, no network but an sshd on loopback; LONG=1 as in `make test`
	@$(BIN)/pytest -q tests/unit -m "not soak$(if $(LONG),, and not long)" $(if $(LONG),,--hypothesis-profile=short)

format: setup ## Let ruff mend and format the code
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lab-up: need-root setup ## Boot the lab's hosts and leave them running
	@$(BIN)/samdrift lab up

lab-down: need-root setup ## Take the lab down: hosts, mounts, bridges, firewall rules, also after a crash
	@$(LAB_DOWN)

bench: need-root setup ## Start-up, check and review of 2,000 hosts, a year in the store and a report of it, planning beside stock pyinfra and netmiko, NetBox beside pynetbox (root)
	@$(LAB_DOWN_AFTER) failed=0; for of in startup check review store report devices planning netbox; do $(BIN)/python -m tests.bench.$$of || failed=1; done; exit $$failed

setup: ## Debian packages (root) and .venv from the hashed lock; instant when nothing changed
	@PYTHON=$(PYTHON) sh setup.sh

lock: setup ## Compute requirements.txt anew from pyproject.toml, and what of it a station installs, with hashes and no address
	@CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile --quiet --all-extras --generate-hashes --allow-unsafe \
	  --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.txt pyproject.toml
	@printf 'setuptools\nwheel\n' | $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --extra workers --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -c requirements.txt -o templates/drift_watch/requirements.txt pyproject.toml -

lock-netbox: setup ## Compute the lock of NetBox's own packages anew (templates/netbox/requirements.txt)
	@$(BIN)/python -m deploy.tools.netbox_lock

clean: ## Remove .venv, caches and reports; keeps .lab (image, package cache, the lab's history)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .coverage.* report build *.egg-info
	@find . -name __pycache__ -prune -exec rm -rf {} +

need-root:
	@[ -n "$(ROOT)" ] || { echo "make $(MAKECMDGOALS): needs root, since the lab boots real hosts; run: sudo make $(MAKECMDGOALS)" >&2; exit 1; }
