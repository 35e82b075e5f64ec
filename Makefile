# socks64-handler: see README.md.  GNU make.
#
#   make            socks64-handler and socks64-handler-static
#   make run        install what is missing, build, serve on 127.0.0.1:1080
#   make check      install what is missing, build, run the tests

VERSION = 0.1.0
PREFIX = /usr/local
DESTDIR =
PORT = 1080
CONFIG =

CC = gcc
WERROR =
OPTIMIZE = -O2
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wcast-qual -Wcast-align -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wnull-dereference -Wswitch-enum -Wvla -Wundef \
	-Wwrite-strings -Wimplicit-fallthrough $(WARNINGS_$(CC)) $(WERROR)
WARNINGS_gcc = -Wduplicated-cond -Wlogical-op
HARDEN = -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fPIE
CPPFLAGS = -I. -Ibuild -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
CFLAGS = -std=c17 $(OPTIMIZE) -g -ffunction-sections -fdata-sections \
	$(HARDEN) $(WARNINGS)
LDFLAGS = -Wl,-z,relro,-z,now,--gc-sections,--as-needed

# The two links differ in one file, the journal's back end.
ROOMS = wire policy net alg sandbox
SOURCES = socks64-handler.c session.c connection.c options.c explain.c \
	journal.c title.c $(filter-out sandbox/generate.c, \
	$(foreach room,$(ROOMS),$(sort $(wildcard $(room)/*.c))))
OBJECTS = $(SOURCES:%.c=build/%.o)
LIBRARIES = -lcares -lcrypt

all: socks64-handler socks64-handler-static

socks64-handler: $(OBJECTS) build/journal-systemd.o
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ $(LIBRARIES) -lsystemd

socks64-handler-static: $(OBJECTS) build/journal-none.o
	$(CC) $(CFLAGS) $(LDFLAGS) -static-pie -o $@ $^ $(LIBRARIES)

build/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# The seccomp filters are made here, with libseccomp, and only loaded by the
# handler.
build/sandbox/generate: sandbox/generate.c sandbox/calls.c sandbox/calls.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -pie -o $@ \
	    sandbox/generate.c sandbox/calls.c -lseccomp

build/sandbox/filters.h: build/sandbox/generate
	build/sandbox/generate > $@.new
	mv $@.new $@

build/sandbox/sandbox.o: build/sandbox/filters.h

-include $(OBJECTS:.o=.d) build/journal-systemd.d build/journal-none.d

# Ratios against the least that a handler can be, side by side in one run.
build/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(OPTIMIZE) -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

bench: all build/bench/bare build/bench/inetd
	tests/bench/bench.py build $(FIGURES)

# INTERFACE 8: what is missing is installed first, then make builds it.
run:
	@tests/install-missing build run
	@$(MAKE) --no-print-directory socks64-handler
	systemd-socket-activate --accept -l 127.0.0.1:$(PORT) \
	    ./socks64-handler $(if $(CONFIG),-f '$(CONFIG)')

BATS = bats --print-output-on-failure
BATSFLAGS =
SUITE = $(sort $(wildcard tests/*.bats))
SLOW_SUITE = $(sort $(wildcard tests/slow/*.bats))

check:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory all $(TEST_PROGRAMS)
	@$(BATS) $(BATSFLAGS) $(SUITE)

check-all:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory all $(TEST_PROGRAMS)
	@$(BATS) $(BATSFLAGS) $(SUITE) $(SLOW_SUITE)

lint:
	@tests/install-missing build lint
	@tests/lint/run

# Fuzz targets link the pure rooms alone.  The same source is replayed over
# its corpus by make check, without clang.
FUZZERS = $(patsubst tests/fuzz/%.c,%,$(filter-out tests/fuzz/replay.c, \
	$(wildcard tests/fuzz/*.c)))
FUZZ_SECONDS = 30
FUZZ_PURE = $(sort $(wildcard wire/*.c policy/*.c)) \
	$(filter-out alg/session.c,$(wildcard alg/*.c))
FUZZ_FLAGS = $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra \
	-fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CORPUS = tests/fuzz/corpus/$(@F)
REPLAYS = $(FUZZERS:%=build/replay/%)

build/fuzz/%: tests/fuzz/%.c $(FUZZ_PURE)
	@mkdir -p $(@D)
	clang-14 $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $^ -lcrypt

build/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(FUZZ_PURE)
	@mkdir -p $(@D)
	$(CC) $(FUZZ_FLAGS) -o $@ $^ -lcrypt

fuzz:
	@tests/install-missing build fuzz
	@$(MAKE) --no-print-directory $(FUZZERS:%=fuzz/%)

fuzz/%: build/fuzz/%
	@mkdir -p build/fuzz/corpus/$*
	build/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* \
	    tests/fuzz/corpus/$*

# The suite over a handler that counts what it runs; the handler ends by
# _exit(2), so the counters are dumped by tests/coverage.
coverage:
	@tests/install-missing build test
	@tests/coverage

TEST_PROGRAMS = $(REPLAYS) $(PROBES)

clean:
	rm -rf build socks64-handler socks64-handler-static

.PHONY: all run check check-all lint fuzz coverage bench clean
