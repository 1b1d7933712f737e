# Two commands do everything on a fresh machine with Python 3.11+ and make: `make demo` and `make test`.
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WHOLE := $(VENV)/.whole
comma := ,
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

.PHONY: demo test slow nightly check format bench faults sdk-suites vectors clean

demo: $(READY) ## the main job, shown in under half a minute, without keys or network
	@$(BIN)/freehold demo

test: $(WHOLE) ## the suite, in parallel
	$(BIN)/pytest -q -n auto -m 'not slow and not nightly'

slow: $(WHOLE) ## what takes longer, the four examples among it; a change has to pass this, too
	$(BIN)/pytest -q -n auto -m slow

nightly: $(WHOLE) ## what takes many minutes: 10,000 examples of each pair of dialects, counted
	$(BIN)/pytest -q -n auto -m nightly -rP --hypothesis-profile=search

check: $(WHOLE) ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## this gateway beside its peers and a do-nothing floor, in one run
	$(BIN)/python -m benchmarks.run

faults: $(READY) ## what becomes of each fault of a provider, for every pair of dialects
	$(BIN)/python -m tests.gateway.faults_matrix

sdk-suites: $(READY) ## the official SDKs' own test suites against a gateway; takes them from PyPI, so needs the network
	@$(BIN)/python -m tests.gateway.sdk.suites

vectors: ## trees, proofs and signatures as Go's own packages make them, recorded for machines without Go
	cd tests/ledger/go/vectors && GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS= go run main.go > ../vectors.json

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# uv does not look where pip was told to find wheels, e.g. one of torch without CUDA.
define install
	@test -n "$(PYTHON)" || { echo "Freehold needs Python 3.11 or newer; none was found on PATH. Set PYTHON=/path/to/python3." >&2; exit 2; }
	@if command -v uv >/dev/null 2>&1; then \
		uv venv -q --allow-existing --python "$(PYTHON)" $(VENV) && \
		uv pip install -q --python $(BIN)/python $(addprefix --find-links ,$(PIP_FIND_LINKS)) -c constraints.txt -e '.[$(1)]'; \
	else \
		"$(PYTHON)" -m venv $(VENV) && \
		$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[$(1)]'; \
	fi
endef

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (about a minute the first time)"
	$(call install,dev)
	@touch $(READY)

$(WHOLE): $(READY) pyproject.toml constraints.txt
	@echo "Adding what own models need: PyTorch and the libraries around it (a few minutes the first time)"
	$(call install,dev$(comma)own)
	@touch $(WHOLE)
