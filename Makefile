# Two commands do everything: `make app` and `make test`. Both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501
ADDRESS ?= localhost
WORKERS ?= auto

.PHONY: app test check shots bench clean

app: .venv/app
	$(BIN)/streamlit run app.py --server.port $(PORT) --server.address $(ADDRESS)

# One worker a core, a file to a worker, in the order of the files; each counts on one core.
test: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

shots: .venv/dev
	$(BIN)/python -m tests.browser.shots

bench: .venv/dev
	$(BIN)/python -m tests.benchmarks

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/app: .venv/bin/python requirements.txt
	$(BIN)/pip install --quiet -r requirements.txt
	touch $@

.venv/dev: .venv/app requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	rm -rf .venv shots
