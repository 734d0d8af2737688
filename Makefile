# The commands of this project. Each installs what it needs by itself; none needs another one first.

CARGO ?= cargo
CARGO_ARGS ?= $(if $(CI),--locked)
ARGS ?=
SEEDS ?= 200
KILLS ?= 100
FUZZ_SECONDS ?= 60
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

# A toolchain that was installed a moment ago is often not on the PATH of the shell that calls make; and Debian keeps
# mosquitto where only root looks.
export PATH := $(PATH):$(HOME)/.cargo/bin:/usr/sbin

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint bench soak fuzz clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install what the demo needs (system packages, ONNX Runtime, footage)
	@scripts/setup.sh demo

demo: ## watch a simulated village raise alerts; ARGS="--cameras 4" is handed on
	@scripts/setup.sh demo
	$(CARGO) build --release $(CARGO_ARGS)
	$(TARGET_DIR)/release/cunkou demo $(ARGS)

test: ## run every test
	@scripts/setup.sh test
	$(CARGO) test --workspace --doc $(CARGO_ARGS)
	$(CARGO) test --workspace --lib --bins --examples --tests $(CARGO_ARGS)

lint: ## check formatting, and the compiler's, clippy's and shellcheck's advice
	@scripts/setup.sh lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(CARGO_ARGS) -- -D warnings
	shellcheck --external-sources --check-sourced scripts/*.sh .ci/run

bench: ## measure each stage, then the detector's pool and a fleet (JSON on their last lines); QUICK=1 to try it
	@scripts/setup.sh test
	$(CARGO) bench --bench line $(CARGO_ARGS)
	$(CARGO) build --release $(CARGO_ARGS)
	$(TARGET_DIR)/release/cunkou bench detector --json
	$(TARGET_DIR)/release/cunkou bench fleet $(if $(QUICK),--quick,--cameras 200) --json

soak: ## run the long fault tests over many seeds, kill a daemon often, and cut the link between two stations; SEEDS=200 KILLS=100
	@scripts/setup.sh test
	CUNKOU_SOAK_SEEDS=$(SEEDS) CUNKOU_SOAK_KILLS=$(KILLS) CUNKOU_SOAK_CAMERAS=20 $(CARGO) test --release --workspace $(CARGO_ARGS) -- --nocapture soak
	CUNKOU_SOAK=1 $(CARGO) test --release --workspace $(CARGO_ARGS) --test precincts -- --nocapture

fuzz: ## fuzz each target for a while; FUZZ_SECONDS=60
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(FUZZ_SECONDS)

clean: ## remove what was built
	$(CARGO) clean

distclean: clean ## remove what was built and what set-up fetched
	rm -rf .cache
