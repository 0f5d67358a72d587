# Two commands do everything: `make app` and `make test`. Both need Python 3.11 or newer and nothing else.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8501
ADDRESS ?= localhost
# A folder of Python files with build() and encode(text) that "Your model" lists and runs; none if empty.
MODELS ?=
# One more than there are cores: half of the time of the browser tests is waiting.
WORKERS ?= $(shell $(PYTHON) -c "import os; print((os.cpu_count() or 1) + 1)")
SECONDS ?= 180
SESSIONS ?= 12

.PHONY: app test check shots bench fuzz soak lock clean

app: .venv/app
	$(BIN)/python -m recurrent_explorer_app --port $(PORT) --address $(ADDRESS) $(if $(MODELS),--models "$(MODELS)")

# A file to a worker, in the order of the files; each computes on one core. What is compiled once is kept for the workers and servers.
test: .venv/dev
	PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

shots: .venv/dev
	$(BIN)/python -m tests.browser.shots

bench: .venv/dev
	$(BIN)/python -m tests.benchmarks

# Damaged checkpoints, weights, tables, pictures, texts and links, made by chance, for SECONDS; what failed is printed with its seed.
fuzz: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz --seconds $(SECONDS)

# SESSIONS visitors at a time come and go for SECONDS on a real server: its memory, errors and temporary files.
soak: .venv/dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.soak --seconds $(SECONDS) --sessions $(SESSIONS)
	OMP_NUM_THREADS=1 EXPLORER_EVERY_PANEL=1 $(BIN)/pytest tests/browser -k phone

# After a change of requirements.txt. Versions that are in the lock stay if they still fit.
lock: .venv/bin/python
	$(BIN)/pip install --quiet uv==0.13.9
	$(BIN)/uv pip compile requirements.txt --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-annotate --no-emit-package torch --custom-compile-command "make lock" --output-file requirements.lock

.venv/bin/python:
	$(PYTHON) -m venv .venv

# torch by its version alone, because its builds (CPU, CUDA) differ; all else exactly as in the lock, checked by its hashes.
.venv/app: .venv/bin/python requirements.lock
	$(BIN)/pip install --quiet $$(grep '^torch==' requirements.txt)
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements.lock
	touch $@

# xlstm without what it asks for: its tests here need torch alone, and mlstm_kernels is not under a free licence.
.venv/dev: .venv/app requirements-dev.txt
	$(BIN)/pip install --quiet -r requirements-dev.txt
	$(BIN)/pip install --quiet --no-deps xlstm==2.0.6
	touch $@

clean:
	rm -rf .venv shots
