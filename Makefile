# Two commands on a bare checkout: `make demo` and `make test`. PYTHON names the interpreter, 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test test-slow check results build clean

demo: .venv
	$(BIN)/elman recipe sentiment --out runs/sentiment --force

test: check

check: .venv
	$(BIN)/ruff format --check src tests conftest.py
	$(BIN)/ruff check src tests conftest.py
	$(BIN)/mypy
	$(BIN)/python -m pytest

test-slow: .venv
	$(BIN)/python -m pytest -m slow

results: .venv
	$(BIN)/python -m elman.recipes.results --out docs --jobs 2

build: .venv
	$(BIN)/python -m build --outdir dist

# The environment that every target uses: the package, its extras and the tools, PyTorch as constraints.txt pins it.
.venv: .venv/ready
.venv/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch .venv/ready

clean:
	rm -rf .venv build dist runs .pytest_cache .mypy_cache .ruff_cache
