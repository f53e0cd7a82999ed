# Needs only python3 (3.11 or newer, with venv) and make. Everything is installed into .venv, by constraints.txt.
PYTHON ?= python3
BIN := .venv/bin

# OpenMP threads that wait by spinning take the cores from everything else on a small machine.
export OMP_WAIT_POLICY ?= PASSIVE

# uv reads none of pip's settings: hand it those of the environment.
comma := ,
empty :=
space := $(empty) $(empty)
ifdef PIP_FIND_LINKS
export UV_FIND_LINKS ?= $(subst $(space),$(comma),$(strip $(PIP_FIND_LINKS)))
endif
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif
ifdef PIP_EXTRA_INDEX_URL
export UV_INDEX ?= $(PIP_EXTRA_INDEX_URL)
endif
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test gpu check format docs bench lock clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

demo: .venv/.demo  ## the main job: autoencoders and PCA on real pictures, and one report
	$(BIN)/diabolo demo

# One OpenMP thread a worker: two workers share the machine.
test: .venv/.test  ## run the tests; ARGS="-k word" is handed to pytest
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 $(ARGS)

gpu: .venv/.test  ## run the tests that need a GPU, which `make test` leaves out
	DIABOLO_GPU=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -k "test_gpu or cuda" $(ARGS)

check: .venv/.check  ## formatting, lint, types, and the directions of the imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/test_house.py

format: .venv/.check  ## format the code and mend what lint can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.docs  ## build the site into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: .venv/.demo  ## make bench NAME=...: run one benchmark of benchmarks/
	@test -n "$(NAME)" || { echo "make bench NAME=...; the names: $(sort $(basename $(notdir $(wildcard benchmarks/[a-z]*.py))))" >&2; exit 2; }
	$(BIN)/python -m benchmarks.$(NAME) $(ARGS)

lock: .venv/.demo  ## renew constraints.txt: keep what is pinned, add what is missing, drop what is gone
	printf 'hatchling\nuv\n' | $(BIN)/uv pip compile --quiet --all-extras --no-annotate --custom-compile-command 'make lock' \
		pyproject.toml - --output-file constraints.txt

clean:  ## remove the environment, the caches and what was built
	rm -rf .venv site dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp for each set of extras: `make test` after `make demo` adds only what the tests need.
# Where uv cannot be had, or cannot find what pip's own settings do find, pip does the same.
install = { [ -x $(BIN)/uv ] && VIRTUAL_ENV=$(CURDIR)/.venv $(BIN)/uv pip install --quiet --compile-bytecode --constraints constraints.txt $(1); } \
	|| $(BIN)/python -m pip install --quiet --constraint constraints.txt $(1)

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "diabolo needs Python 3.11 or newer, $(PYTHON) is " + sys.version.split()[0] + "; try: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt uv || echo "uv cannot be installed here; pip takes its place"
	@touch $@

.venv/.demo: .venv/.made pyproject.toml constraints.txt
	@echo "installing into .venv"
	@$(call install,torch)
	@$(call install,--editable '.[report]')
	@touch $@

.venv/.test: .venv/.demo
	@echo "installing the tests' packages"
	@$(call install,--editable '.[report$(comma)test]')
	@touch $@

.venv/.check: .venv/.test
	@echo "installing the checks' packages"
	@$(call install,--editable '.[report$(comma)test$(comma)check]')
	@touch $@

.venv/.docs: .venv/.demo
	@echo "installing the site's packages"
	@$(call install,--editable '.[report$(comma)docs]')
	@touch $@
