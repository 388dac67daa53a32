# Two commands do everything: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# One target folder for all builds; set CARGO_TARGET_DIR to share it between clones.
export CARGO_TARGET_DIR ?= $(CURDIR)/target
PYTHON ?= python3
VENV := $(CARGO_TARGET_DIR)/venv
BENCH_VENV := $(CARGO_TARGET_DIR)/bench-venv
BENCH_PEERS := $(CARGO_TARGET_DIR)/bench-peers
# The server as tests run it: with the named points at which it can be made to crash.
TEST_BIN := $(CARGO_TARGET_DIR)/debug/aftercall
BUILD_TEST_BIN := cargo build --locked --package aftercall --features fail-points

.PHONY: help demo test test-rust test-python test-frameworks test-libraries test-wheel test-system crash-campaign drain fuzz lint format bench bench-parts build wheel require

help:
	@echo "make demo          watch end functions run over finished conversations (KEEP=1 leaves the server up)"
	@echo "make test          every test"
	@echo "make crash-campaign N=1000   kill the server N times while runs write to receivers that count"
	@echo "make drain N=40000   let N runs wait for one host, and see how they go on when it is back"
	@echo "make lint          formatting, clippy, licences, ruff, mypy"
	@echo "make bench         how fast it is, beside the bare loop (QUICK=1: a short look; PEERS=1: beside Celery and others)"
	@echo "make fuzz          every fuzz target for FUZZ_SECONDS (60)"
	@echo "make build         the release binary: $(CARGO_TARGET_DIR)/release/aftercall"
	@echo "make wheel         the Python package with the command in it: $(WHEELS)"

require:
	@scripts/require git cargo $(PYTHON)

build: require
	cargo build --release --locked --package aftercall

# One wheel for any Python from 3.11 on; its tag says which library of C the command needs.
WHEELS := $(CARGO_TARGET_DIR)/wheels
wheel: require $(VENV)/installed
	cd python && $(VENV)/bin/maturin build --release --out $(WHEELS)

demo: build
	@AFTERCALL_BIN=$(CARGO_TARGET_DIR)/release/aftercall scripts/demo

# Real conversations are nobody's to publish: tests take them from a file that is not part of the project.
REAL_CONVERSATIONS := $(or $(AFTERCALL_TEST_CONVERSATIONS),../shared/data/conversations.jsonl)
test: test-rust test-python test-frameworks test-libraries test-wheel test-system
	@echo "all tests passed"
	@test -f $(REAL_CONVERSATIONS) || echo "made-up conversations stood for 600 real ones: AFTERCALL_TEST_CONVERSATIONS=FILE names a file of them, one a line"

test-rust: require
	cargo test --workspace --locked --exclude system-tests

test-python: require $(VENV)/installed
	$(BUILD_TEST_BIN)
	cd python && AFTERCALL_BIN=$(TEST_BIN) $(VENV)/bin/python -m pytest -q tests
	cd bench && $(VENV)/bin/python -m pytest -q -p no:cacheprovider tests

# The adapters beside the real frameworks, each in an environment of its own: their dependencies need not agree.
FRAMEWORKS := livekit pipecat
test-frameworks: require $(FRAMEWORKS:%=$(CARGO_TARGET_DIR)/venv-%/installed)
	for name in $(FRAMEWORKS); do \
		(cd python/frameworks && PYTHONPATH=.. $(CARGO_TARGET_DIR)/venv-$$name/bin/python -m pytest -q -p no:cacheprovider test_$$name.py) || exit 1; \
	done

# HTTP libraries as user code has them, outside and inside of a child; what an older one needs is in an environment of its own.
LIBRARIES := current urllib3-1
test-libraries: require $(LIBRARIES:%=$(CARGO_TARGET_DIR)/venv-libraries-%/installed)
	for name in $(LIBRARIES); do \
		(cd python/libraries && PYTHONPATH=.. $(CARGO_TARGET_DIR)/venv-libraries-$$name/bin/python -m pytest -q -p no:cacheprovider .) || exit 1; \
	done

# As `make wheel` builds it, but for the time that an optimised build takes.
test-wheel: require $(VENV)/installed
	rm -rf $(WHEELS)/test
	cd python && $(VENV)/bin/maturin build --profile dev --out $(WHEELS)/test
	cd python/wheel && AFTERCALL_WHEEL=$$(ls $(WHEELS)/test/*.whl) $(VENV)/bin/python -m pytest -q -p no:cacheprovider test_wheel.py

# Wheels of well-known packages, for the tests to install from: they reach no index.
WHEELHOUSE := $(CARGO_TARGET_DIR)/wheelhouse
$(WHEELHOUSE)/filled: tests/well-known/requirements.txt $(VENV)/installed
	scripts/fill-wheelhouse $(VENV)/bin/python $< $(WHEELHOUSE)

test-system: require $(VENV)/installed $(WHEELHOUSE)/filled
	$(BUILD_TEST_BIN)
	AFTERCALL_BIN=$(TEST_BIN) AFTERCALL_TEST_PYTHON=$(VENV)/bin/python AFTERCALL_WHEELHOUSE=$(WHEELHOUSE) cargo test --locked --package system-tests -- --nocapture --test-threads=2

# The server killed N times, at any moment and at each named point, while runs write to receivers that count: prints what was lost and
# what was done twice, and fails if anything was. SEED=… repeats one, as far as the machine's own timing lets it.
N ?= 1000
SEED ?=
crash-campaign: require $(VENV)/installed
	$(BUILD_TEST_BIN)
	cargo build --locked --package system-tests --bin crash-campaign
	AFTERCALL_BIN=$(TEST_BIN) AFTERCALL_TEST_PYTHON=$(VENV)/bin/python $(SEED:%=AFTERCALL_TEST_SEED=%) $(CARGO_TARGET_DIR)/debug/crash-campaign $(N)

# N runs wait for one host that is out, and go on when it is back: the test that `make test` does with a few, with as many as you like.
drain: require $(VENV)/installed
	$(BUILD_TEST_BIN)
	AFTERCALL_BIN=$(TEST_BIN) AFTERCALL_TEST_PYTHON=$(VENV)/bin/python AFTERCALL_TEST_WAITING=$(N) cargo test --locked --package system-tests --test draining -- --nocapture

# cargo-fuzz instruments with a nightly compiler; without one the corpora are still replayed by `make test`.
FUZZ_SECONDS ?= 60
fuzz: require
	scripts/fuzz $(FUZZ_SECONDS)

lint: require $(VENV)/installed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	scripts/deny
	cd python && $(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check . && $(VENV)/bin/mypy && $(VENV)/bin/mypy --strict stubs/*.py
	cd bench && $(VENV)/bin/ruff format --check . && $(VENV)/bin/ruff check . && $(VENV)/bin/mypy

format:
	cargo fmt --all
	cd python && $(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

# QUICK=1: see that it works. PEERS=1: beside Celery, RQ, Dramatiq and Huey. BENCH: more arguments, see bench/README.md.
BENCH ?=
bench: build $(BENCH_VENV)/installed $(if $(PEERS),$(BENCH_PEERS)/installed)
	cargo build --quiet --release --locked --package bench-load --package bench-receiver
	$(if $(PEERS),bench/have-redis)
	@mkdir -p $(CARGO_TARGET_DIR)/bench
	cd bench && $(PYTHON) -m aftercall_bench \
	  --binary $(CARGO_TARGET_DIR)/release/aftercall --load $(CARGO_TARGET_DIR)/release/bench-load \
	  --receiver $(CARGO_TARGET_DIR)/release/bench-receiver \
	  --python $(BENCH_VENV)/bin/python --folder $(CARGO_TARGET_DIR)/bench \
	  --json $(CARGO_TARGET_DIR)/bench/figures.json --markdown $(CARGO_TARGET_DIR)/bench/performance.md \
	  $(if $(QUICK),--quick) $(if $(PEERS),--peers $(BENCH_PEERS)/bin/python) $(BENCH)

bench-parts: require
	cargo run --quiet --release --locked --package preload --example fork_cost
	cargo run --quiet --release --locked --package store --example rates
	cargo build --quiet --release --locked --package preload
	cd python && AFTERCALL_PRELOAD=$(CARGO_TARGET_DIR)/release/libpreload.so $(PYTHON) bench/child.py

$(BENCH_VENV)/installed: bench/requirements.txt
$(BENCH_PEERS)/installed: bench/requirements-peers.txt
$(BENCH_VENV)/installed $(BENCH_PEERS)/installed:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(CARGO_TARGET_DIR)/venv-libraries-%/installed: python/libraries/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(CARGO_TARGET_DIR)/venv-%/installed: python/frameworks/%.txt
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/installed: python/requirements-dev.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r python/requirements-dev.txt
	@touch $@
