# The commands of this project. Each installs what it needs by itself; none needs another one first.

CARGO ?= cargo
CARGO_ARGS ?= $(if $(CI),--locked)
ARGS ?=
SEEDS ?= 200
KILLS ?= 100
FUZZ_SECONDS ?= 60
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)

PAGE := web/dist/index.html
PAGE_SOURCES := $(shell find web/src web/public -type f) $(addprefix web/,index.html vite.config.ts svelte.config.js tsconfig.json package-lock.json)

# A toolchain that was installed a moment ago is often not on the PATH of the shell that calls make; and Debian keeps
# mosquitto where only root looks. Node.js is the one that set-up has fetched.
export PATH := $(CURDIR)/.cache/node/bin:$(PATH):$(HOME)/.cargo/bin:/usr/sbin

.DEFAULT_GOAL := help
.PHONY: help setup build page demo test lint format bench soak fuzz clean distclean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install what the demo needs (system packages, ONNX Runtime, footage)
	@scripts/setup.sh demo

build: ## build the program, its page included
	@scripts/setup.sh demo
	@$(MAKE) --no-print-directory page
	$(CARGO) build --release $(CARGO_ARGS)

page: $(PAGE)
$(PAGE): $(PAGE_SOURCES)
	npm --prefix web run --silent build

demo: ## watch a simulated village raise alerts; ARGS="--cameras 4" is handed on
	@$(MAKE) --no-print-directory build
	$(TARGET_DIR)/release/cunkou demo $(ARGS)

test: ## run every test
	@scripts/setup.sh test
	npm --prefix web run --silent unit
	@$(MAKE) --no-print-directory page
	$(CARGO) test --workspace --doc $(CARGO_ARGS)
	$(CARGO) test --workspace --lib --bins --examples --tests $(CARGO_ARGS)
	CUNKOU_BIN=$(abspath $(TARGET_DIR))/debug/cunkou npm --prefix web run --silent e2e

lint: ## check formatting and types, and the compiler's, clippy's and shellcheck's advice
	@scripts/setup.sh lint
	$(CARGO) fmt --all --check
	npm --prefix web run --silent check
	$(CARGO) clippy --workspace --all-targets $(CARGO_ARGS) -- -D warnings
	shellcheck --external-sources --check-sourced scripts/*.sh .ci/run

format: ## put all sources into house format
	@scripts/setup.sh lint
	$(CARGO) fmt --all
	npm --prefix web run --silent types
	npm --prefix web run --silent format

bench: ## measure each stage, then the detector's pool and a fleet (JSON on their last lines); QUICK=1 to try it
	@scripts/setup.sh test
	@$(MAKE) --no-print-directory page
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
	find web/dist -mindepth 1 ! -name .gitignore -delete

distclean: clean ## remove what was built and what set-up fetched
	rm -rf .cache web/node_modules
