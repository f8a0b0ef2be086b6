# make demo    set everything up, train and test all models on the generated sample, show the results
# make test    run all tests but the slow ones
# make test-slow   run those: a browser, several processes, kills, full trainings on the real data
# make check   lint, type-check, and see that imports only go down
# make format  format the code
# make test-oldest   run all tests with the oldest supported dependencies, in .venv-oldest (Python 3.11)
# make audit   look the pinned dependencies up among known vulnerabilities (asks the package index)
# make reproduce   train and test what docs/results.md shows, on the real data (hours; can be stopped and
#                  started again; options: make reproduce OPTIONS='--only "same_rows/*"')
# make bench   measure speed, start and memory against references, beside the baseline (20 minutes)
# make bench-accuracy   measure models on the real data against the best published results, and sweeps beside myFM
#                  (2 hours; one line of it: make bench-accuracy OPTIONS='--only "small, all columns and times"')
# make bench-peers   measure other libraries on the same ratings, each in a virtual environment of its own (1 hour;
#                  make bench-peers OPTIONS='--release ml-latest-small --only Surprise')
# make bench-scale   measure 100 thousand to 32 million ratings (10 minutes, 3 GB of disk for a while)

PYTHON ?= python3
OLDEST_PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
SAMPLE := data/sample/sample.json
MODELS := model1 model2 model3 model4 model5 model6 model8_blend
PEERS := surprise myfm implicit lightgbm lenskit

OPTIONS ?=

.PHONY: demo reproduce test test-slow test-oldest check audit format bench bench-accuracy bench-peers bench-scale

demo: $(VENV)/installed $(SAMPLE)
	@for model in $(MODELS); do \
	  options="--config configs/$$model.yaml --config configs/sample.yaml"; \
	  $(BIN)/python -m movierec fit $$options && $(BIN)/python -m movierec test $$options || exit 1; \
	done
	@$(BIN)/python -m movierec report
	@$(BIN)/python -m movierec recommend --user_id 1 --explain

reproduce: $(VENV)/installed
	$(BIN)/python -m movierec reproduce $(OPTIONS)

# One thread a worker: two workers with two threads each would wait for each other.
test: $(VENV)/installed
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal -m "not slow"

test-slow: $(VENV)/installed
	$(BIN)/python -m pytest -m slow

# What those below need themselves is newer, and deprecates what they call: no warning is an error here.
test-oldest: .venv-oldest/installed
	.venv-oldest/bin/python -m pytest -n auto --maxprocesses 4 -o filterwarnings=default

# Strict, since without it a package that could not be looked up counts as a good one.
audit: .venv-audit/installed
	@.venv-audit/bin/pip-audit --strict --disable-pip --no-deps --requirement constraints.txt --progress-spinner off || \
	  { echo "audit: not passed. Above is a known vulnerability, or a package of which the package index could not be asked."; exit 1; }

check: $(VENV)/installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

format: $(VENV)/installed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

bench: $(VENV)/installed
	$(BIN)/python -m tests.benchmarks

bench-accuracy: $(VENV)/installed .venv-peers-myfm/installed
	$(if $(OPTIONS),,$(BIN)/python -m tests.benchmarks.sweeps)
	$(BIN)/python -m tests.benchmarks.accuracy $(OPTIONS)

bench-peers: $(VENV)/installed $(PEERS:%=.venv-peers-%/installed)
	$(BIN)/python -m tests.benchmarks.peers $(OPTIONS)

bench-scale: $(VENV)/installed
	$(BIN)/python -m tests.benchmarks.scale

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

.venv-oldest/installed: pyproject.toml constraints-oldest.txt
	$(OLDEST_PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet --constraint constraints-oldest.txt --editable '.[test]'
	touch $@

.venv-audit/installed:
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet 'pip-audit>=2.10'
	touch $@

.venv-peers-%/installed: tests/benchmarks/peers/%.txt
	$(OLDEST_PYTHON) -m venv .venv-peers-$*
	.venv-peers-$*/bin/python -m pip install --quiet --requirement $<
	touch $@

$(SAMPLE): | $(VENV)/installed
	$(BIN)/python -m movierec data sample
