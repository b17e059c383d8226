# Foyer. `make` alone prints what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
export PORT EMAIL STACK RELEASE EXPORT TABLE PICTURES
BIN := .venv/bin

.PHONY: help run administrator verify-table test test-all browser stack bench build deploy rollback shut reopen replay check format openapi translations lock clean

help:  ## what can be made
	@echo "Foyer: client accounts for photographers' sites"
	@echo
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r name what; do printf '%-20s %s\n' "$$name" "$$what"; done

run: .venv/run.done  ## the site on this machine, http://localhost:8000 (another port: make run PORT=8001)
	@exec $(BIN)/python -m local

administrator: .venv/run.done  ## invites a site administrator: EMAIL=you@example.com, and STACK= for a deployed site
	@$(BIN)/python -m local.administrator

verify-table: .venv/run.done  ## whether all holds that must hold of a table: this machine's, EXPORT=folder or TABLE=name
	@$(BIN)/python -m local.verify

test: .venv/dev.done  ## the tests, about eight minutes on two cores
	$(BIN)/pytest -n auto --dist worksteal -m "not browser and not stack"

test-all: .venv/dev.done  ## the tests with many more random cases
	FOYER_CASES=1000 FOYER_SCHEDULES=1000 $(BIN)/pytest -n auto --dist worksteal -m "not browser and not stack"

browser: .venv/dev.done  ## every page in Chromium (the Debian package chromium-headless-shell); with PICTURES=1 also pictures
	@command -v chromium-headless-shell >/dev/null || { echo "Chromium is missing. Install it: apt-get install chromium-headless-shell"; exit 1; }
	$(BIN)/pytest -n 3 --dist worksteal -m browser

bench: .venv/dev.done .venv-bench/done  ## what everything costs, as tables: calls and units, cold start, CPU, clean-up
	@$(BIN)/python -m bench

build: .venv/run.done .venv-sam/done  ## what is deployed, without Docker; its sizes, and whether they are allowed
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1 .venv-sam/bin/sam build
	@$(BIN)/python -m local.build

deploy: build  ## builds, and deploys what samconfig.toml says with your AWS credentials; SITE= another of its sites
	@SAM_CLI_TELEMETRY=0 .venv-sam/bin/sam deploy --config-env $(or $(SITE),default)

rollback: .venv/run.done  ## the releases there are of a deployed site: STACK=foyer; makes one live: RELEASE=
	@$(BIN)/python -m local.deployed $@

shut: .venv/run.done  ## a deployed site runs no function, and what should be mailed waits: STACK=foyer
	@$(BIN)/python -m local.deployed $@

reopen: .venv/run.done  ## it runs again: STACK=foyer
	@$(BIN)/python -m local.deployed $@

replay: .venv/run.done  ## what its queues of dead letters hold is told again, or taken away: STACK=foyer
	@$(BIN)/python -m local.deployed $@

stack: .venv/dev.done .venv-sam/done .venv-stack/done  ## the template deployed to a local AWS and visited; FOYER_URL= visits a deployed site
	@$(BIN)/pytest tests/test_needs.py
	@$(BIN)/python -m local.stack

check: .venv/dev.done .venv-sam/done  ## style, types, template, import direction
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	.venv-sam/bin/cfn-lint template.yaml
	SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=eu-west-1 .venv-sam/bin/sam validate --lint
	$(BIN)/pytest tests/test_house.py

format: .venv/dev.done  ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

openapi: .venv/dev.done  ## write the OpenAPI document anew, from the functions
	$(BIN)/python -m local.openapi

translations: .venv/dev.done  ## collect the words, compile the translations, say what is missing
	$(BIN)/python -m local.translations

LOCK := uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate
lock:  ## pin all requirements anew from pyproject.toml (needs uv: pip install uv)
	$(LOCK) --python-version 3.13 pyproject.toml -o layers/dependencies/requirements.txt
	$(LOCK) --python-version 3.11 pyproject.toml --group run -o requirements-run.txt
	$(LOCK) --python-version 3.11 pyproject.toml --group dev -o requirements-dev.txt
	$(LOCK) --python-version 3.11 pyproject.toml --group bench -o requirements-bench.txt
	$(LOCK) --python-version 3.11 --group sam -o requirements-sam.txt
	$(LOCK) --python-version 3.11 --group stack -o requirements-stack.txt

clean:  ## remove what was installed and built here
	rm -rf .venv .venv-bench .venv-sam .venv-stack .aws-sam bench.json .pytest_cache .mypy_cache .ruff_cache .hypothesis screenshots

# ---- environments: made once, made anew when the requirements change ----------------------------

# $(call install,environment,requirements): pip comes from outside, so that a Debian without
# python3-venv will do.
define install
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "Foyer needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make run PYTHON=python3.13"; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || { echo "pip is missing for $(PYTHON). Install it: apt-get install python3-pip"; exit 1; }
	@echo "Installing what is needed into $(1) (once, about a minute) ..."
	@test -x $(1)/bin/python || $(PYTHON) -m venv --without-pip $(1)
	@$(PYTHON) -m pip --disable-pip-version-check --python $(1)/bin/python install --quiet --require-hashes --no-deps -r $(2)
	@touch $@
endef

.venv/run.done: requirements-run.txt
	$(call install,.venv,$<)

.venv/dev.done: requirements-dev.txt
	$(call install,.venv,$<)
	@touch .venv/run.done

.venv-sam/done: requirements-sam.txt
	$(call install,.venv-sam,$<)

.venv-bench/done: requirements-bench.txt
	$(call install,.venv-bench,$<)

.venv-stack/done: requirements-stack.txt
	$(call install,.venv-stack,$<)
