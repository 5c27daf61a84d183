# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A thin front: meson builds, scripts/ sets up and checks.  What is missing is
# installed where apt-get is; see scripts/setup.

BUILD := build
PREFIX := /usr/local
CHECKS := default asan tsan atomic valgrind without clang musl install aarch64 \
	oracle source

all:
	@scripts/setup build
	@scripts/build $(BUILD)

demo:
	@scripts/setup build demo
	@scripts/build $(BUILD) -Ddemo=true
	$(BUILD)/demo/mmunotify-demo

test:
	@scripts/setup build test oracle
	@scripts/test $(CHECKS)

test-quick: check-default

check-%:
	@scripts/setup build test $(filter oracle,$*)
	@scripts/test $*

torture: OPERATIONS := 100000000
torture:
	@scripts/setup build test
	@scripts/build $(BUILD) -Dtests=true
	$(BUILD)/tests/torture/torture -n $(OPERATIONS) \
		-p $(BUILD)/tests/torture/torture-plugin.so

# The library against real kernels, on the shipped scenarios or on random ones.
oracle oracle-random:
	@scripts/setup build oracle
	@scripts/build $(BUILD)
	@scripts/oracle -b $(BUILD) $(ORACLE_FLAGS)

oracle-random: COUNT := 100000
oracle-random: ORACLE_FLAGS = -n $(COUNT) $(if $(SEED),-s $(SEED))

bench-core:
	@scripts/setup build bench
	@scripts/build $(BUILD) -Dbenchmarks=true
	@sh $(BUILD)/bench/bench-core $(ROUNDS)

bench-cache: ROUNDS := 101
bench-cache:
	@scripts/setup build bench
	@scripts/build $(BUILD) -Dbenchmarks=true
	$(BUILD)/bench/cache $(ROUNDS)

bench: ROUNDS := 1001
bench: bench-core

install:
	@scripts/setup build
	@scripts/build $(BUILD) -Dprefix=$(PREFIX)
	meson install --no-rebuild -C $(BUILD)

clean:
	rm -rf $(BUILD)

.PHONY: all demo test test-quick torture oracle oracle-random bench-core bench-cache bench install clean
