# make demo   set up everything and clean the sample
# make test   set up everything and run the tests
# make check  lint, types, tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test check lint types docs clean

demo: $(READY)
	$(BIN)/mediaclean clean samples/interview.mp4 --overwrite
	@echo
	@echo "The cleaned video is samples/interview.clean.mp4. Next: mediaclean clean YOUR-FILE --preset podcast"
	@echo "(activate the environment first: . $(BIN)/activate)"

# One thread per product, as the command has it: those of two workers would wait for each other in busy loops.
test: $(READY)
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -p no:cacheprovider -n 2

check: lint types test

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

docs: $(READY)
	$(BIN)/python -m benchmarks.readme

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=24"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "torch==2.13.0"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist samples/*.clean.*
