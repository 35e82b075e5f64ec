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
# handler.  FILTERS=--trap for development: SIGSYS can be caught.
build/sandbox/generate: sandbox/generate.c sandbox/calls.c wire/text.c \
	    sandbox/calls.h sandbox/sandbox.h wire/text.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -pie -o $@ \
	    sandbox/generate.c sandbox/calls.c wire/text.c -lseccomp

build/sandbox/filters.h: build/sandbox/generate
	build/sandbox/generate $(FILTERS) > $@.new
	mv $@.new $@

build/sandbox/sandbox.o: build/sandbox/filters.h

# What tests/50-sandbox.bats runs.
PROBES = build/tests/probe/probe build/tests/probe/table \
	build/tests/probe/without-seccomp
CONFINEMENT = $(patsubst %.c,build/%.o,$(filter-out sandbox/generate.c, \
	$(wildcard sandbox/*.c)) wire/text.c)

probes: $(PROBES)

$(PROBES): %: %.o $(CONFINEMENT)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ -lseccomp -lcrypt

build/tests/probe/table.o: build/sandbox/filters.h

-include $(OBJECTS:.o=.d) build/journal-systemd.d build/journal-none.d \
	$(PROBES:=.d)

.PHONY: install uninstall
install: all
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' units/install.sh install

uninstall:
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' units/install.sh uninstall

# Ratios against the least that a handler can be, side by side in one run.
build/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(OPTIMIZE) -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

bench: all build/bench/bare build/bench/inetd
	tests/bench/bench.py build $(FIGURES)

# Unit drivers link the pure rooms alone, with every check of the compiler.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
PURE = $(sort $(wildcard wire/*.c policy/*.c))

build/tests/%: tests/unit/%.c $(PURE) $(wildcard wire/*.h policy/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra $(SANITIZE) -o $@ \
	    $< $(PURE) -lcrypt

# Drivers of the tests: each is what it tests and a main() of its own.
build/tests/unit/relay: build/tests/unit/relay.o $(addprefix build/, \
	    net/relay.o net/flow.o net/wait.o wire/text.o)
	$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^

-include $(wildcard build/tests/unit/*.d)
-include $(OBJECTS:.o=.d) build/journal-systemd.d build/journal-none.d

# Fuzzing: `make fuzz` searches with libFuzzer, FUZZ_SECONDS for each target;
# build/replay/TARGET runs a corpus without it.
CLANG = clang-14
FUZZ_SECONDS = 60
FUZZED = $(patsubst tests/fuzz/%.c,%,$(filter-out %/replay.c, \
	$(wildcard tests/fuzz/*.c)))

build/fuzz/%: tests/fuzz/%.c $(PURE) $(wildcard wire/*.h policy/*.h)
	@mkdir -p $(@D)
	$(CLANG) $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra $(SANITIZE) \
	    -fsanitize=fuzzer -o $@ $< $(PURE) -lcrypt

build/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(PURE) \
    $(wildcard wire/*.h policy/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra $(SANITIZE) -o $@ \
	    $< tests/fuzz/replay.c $(PURE) -lcrypt

fuzz: $(FUZZED:%=build/fuzz/%)
	for target in $(FUZZED); do \
	    mkdir -p build/corpus/$$target && \
	    build/fuzz/$$target -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
		-rss_limit_mb=4096 -max_len=4096 -print_final_stats=0 \
		build/corpus/$$target tests/fuzz/corpus/$$target || exit 1; \
	done

# Ratios against the least that a handler can be, side by side in one run.
build/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu17 $(OPTIMIZE) -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

bench: all build/bench/bare build/bench/inetd
	tests/bench/bench.py build $(FIGURES)

# The race is driven with the rooms below it and a policy of the driver's
# own; no ASan, which opens files and wants many descriptors.
DIAL = $(patsubst %,net/%.c,dial resolve resolvconf hosts words route order \
	failure wait sockaddr) $(wildcard wire/*.c)

build/tests/dial: tests/unit/dial.c $(DIAL) $(wildcard wire/*.h net/*.h)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra \
	    -fsanitize=undefined -fno-sanitize-recover=all -o $@ \
	    $< $(DIAL) -lcares

build/tests/order: tests/unit/order.c net/order.c $(PURE) net/order.h
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra $(SANITIZE) -o $@ \
	    $< net/order.c $(PURE) -lcrypt

clean:
	rm -rf build socks64-handler socks64-handler-static

.PHONY: all probes bench clean

.PHONY: all bench clean fuzz
