# Two commands on a fresh machine: `make demo` and `make test`. Both set up what they need.

CARGO ?= cargo
# Where cargo puts what it builds.
TARGET := $(or $(CARGO_TARGET_DIR),target)
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)
DENY := $(shell $(CARGO) deny --version >/dev/null 2>&1 && echo yes)

# Examples to run as they are, or to start from.
PLUGINS := hello tollgate-example-tenant-header tollgate-example-tenant-pool tollgate-example-tenant-parameters

.PHONY: help setup demo test test-languages package semver guide lint bench fuzz build plugins

help:
	@echo 'make demo    build, and show Tollgate at work on loopback'
	@echo 'make test    format, lints, tests, doc tests, licences of dependencies where cargo-deny is there'
	@echo 'make test-languages   plugins in C, JavaScript and Python: brings their tools, builds, tests and ships them'
	@echo 'make package packages the crates that plugins are written with, and builds them as others would get them'
	@echo 'make semver  whether the crates that plugins are written with still take what was written before (cargo-semver-checks)'
	@echo 'make guide   the guide for authors of policies as pages, target/guide (mdbook)'
	@echo 'make bench   measure policy, spool, and mail from end to end'
	@echo 'make fuzz    feed the loader of queues.toml, and the host of guests, what no one would write: FUZZ_SECONDS each, from FUZZ_SEED'
	@echo 'make build   build target/release/tollgate'
	@echo 'make plugins build the example plugins, target/plugins/*.wasm'
	@echo 'make setup   bring the Wasm target; the others do it themselves'
	@echo 'make lint    format and lints alone'

# Quick where everything is there.
setup:
	@guest-sdk/setup-wasm-target

build: setup
	$(CARGO) build --release --package tollgate

plugins: setup
	@$(CARGO) run --quiet --package tollgate-build -- Cargo.toml target/plugins $(PLUGINS)

demo: build
	@$(TARGET)/release/tollgate demo

lint: setup
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- --deny warnings
ifeq ($(DENY),yes)
	$(CARGO) deny --log-level error check --config .deny.toml licenses bans sources
else
	@echo 'lint: cargo-deny is not installed; licences of dependencies are not checked'
endif

test: lint
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --workspace --no-fail-fast
else
	$(CARGO) test --workspace --lib --bins --tests --no-fail-fast
endif
	$(CARGO) test --workspace --doc

# What others would get of the crates that plugins are written with; needs the registry. cargo unpacks the first crate for the
# second one once per version, into the home of all projects, and would take an older day's copy for today's.
package:
	rm -rf "$${CARGO_HOME:-$$HOME/.cargo}"/registry/src/-*/tollgate-*
	$(CARGO) package --quiet --package tollgate-config --package tollgate-sdk

# Whether what plugins are written with still takes what was written before; needs cargo-semver-checks.
semver: setup
	@guest-sdk/check-semver

# The guide for authors of policies, as pages: target/guide/index.html; needs mdbook.
guide:
	mdbook build docs --dest-dir $(abspath $(TARGET))/guide

# What is ignored elsewhere, since it needs tools that nothing else here does.
test-languages: setup
	guest-sdk/setup-languages
	guest-sdk/typescript-types
	$(CARGO) test --workspace --test languages --test end_to_end -- --include-ignored --test-threads 1 the_same_cases any_language::in_

# Both packages are named so that features unify: with one alone the Wasm engine would be compiled again.
bench: build
	$(CARGO) bench --package tollgate --package tollgate-bench --bench policy --bench tenants --bench spool --bench end_to_end

# In the profile of the tests: what runs in the guest is optimised there too. The second package keeps features as they are.
fuzz: setup
	$(CARGO) test --package tollgate --package tollgate-fuzz --test loader --test boundary -- --ignored --nocapture
