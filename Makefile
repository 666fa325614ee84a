# Two commands on a bare checkout: `make demo` and `make test`. PYTHON names the interpreter, 3.11 or later.
PYTHON ?= python3
BIN := .venv/bin
CODE := src tests conftest.py hatch_build.py docs/write_options.py
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# By its path and without its folder in view (-P), for it needs neither elman nor torch.
COMPILE := $(BIN)/python -P src/elman/kernels/build.py
KERNELS := src/elman/kernels/build.py $(wildcard src/elman/kernels/csrc/*)

.PHONY: demo test check test-slow kernels sanitize bench foreign results options build clean

demo: .venv
	$(BIN)/elman recipe sentiment --out runs/sentiment --force

test: check

check: .venv .venv/foreign .venv/data
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/clang-format --dry-run --Werror $(wildcard src/elman/kernels/csrc/*)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-slow: .venv
	$(BIN)/python -m pytest -m slow

# Compiles whatever the dates say, as after a compiler was installed; what cannot be compiled is an error here.
kernels: .venv
	ELMAN_BUILD=require $(COMPILE)

sanitize: .venv
	bash tests/sanitize/run.sh

# Everything that docs/benchmarks.md shows; `$(BIN)/python -m benchmarks.run --only PATTERN` measures some of it anew.
bench: .venv/bench
	$(BIN)/python -m benchmarks.run
	$(BIN)/python -m benchmarks.end_to_end
	$(BIN)/python -m benchmarks.decoding

# Networks that others wrote, by their names on PyPI, without what they need beside torch.
foreign: .venv/foreign
	$(BIN)/python -m benchmarks.foreign_networks

results: .venv
	$(BIN)/python -m elman.recipes.report.results --out docs --jobs 2

# Every option on one page, from the docstrings.
options: .venv
	$(BIN)/python docs/write_options.py

build: .venv
	$(BIN)/python -m build --outdir dist

# The environment that every target uses: the package, its extras and the tools, PyTorch as constraints.txt pins it.
# Where only kernels changed, they are compiled and the rest is left as it is.
.venv: .venv/ready
.venv/ready: pyproject.toml constraints.txt hatch_build.py $(KERNELS)
	$(if $(filter-out $(KERNELS),$?),$(PYTHON) -m venv .venv && $(PIP) -e '.[dev]',$(COMPILE))
	touch .venv/ready

.venv/bench: pyproject.toml constraints.txt | .venv
	$(PIP) -e '.[bench]'
	touch .venv/bench

.venv/foreign: constraints.txt | .venv
	$(PIP) --no-deps resemblyzer==0.1.4 g2p-fa==1.1.0 arabic-morph-segmenter==0.1.0 pytorch-crf==0.7.2
	touch .venv/foreign

# Data that come inside packages of which nothing else is needed.
.venv/data: constraints.txt | .venv
	$(PIP) --no-deps aeon==1.6.0 music21==10.5.1
	touch .venv/data

clean:
	rm -rf .venv build dist runs src/elman/kernels/lib .pytest_cache .mypy_cache .ruff_cache
