# SPDX-License-Identifier: ISC
# Everything that tests, and what tests are built of.

# Files run side by side, the tests of a file one behind the other: one more at
# once than there are processors, for much of a test is waiting.
BATS = bats --print-output-on-failure --jobs $(shell expr $$(nproc) + 1) \
	--no-parallelize-within-files
BATSFLAGS =
# From the parts to the whole, so that what fails first says most; a file that
# is not named runs, too, behind these.
ORDER = policy password messages check handshake socks4 relay dial matrix \
	halfclose timeouts clients start make egress inside log login proxied \
	table machines ftp bind sandbox service udp udp-clients faults install \
	completions docs lint
SUITE = $(ORDER:%=tests/%.bats) $(sort $(filter-out $(ORDER:%=tests/%.bats), \
	$(wildcard tests/*.bats)))
# What any link must pass.
STATIC_SUITE = $(patsubst %,tests/%.bats, \
	handshake socks4 relay dial matrix halfclose clients)
# What a session does the same in the listening mode.
LISTEN_SUITE = $(patsubst %,tests/%.bats, \
	matrix halfclose timeouts clients bind udp udp-clients)
# The same, where it takes long; and what starts handlers of its own.
LISTEN_REST = $(patsubst %,tests/%.bats, \
	handshake login proxied socks4 log ftp address-id inside egress via nat64)
SLOW_SUITE = $(sort $(wildcard tests/slow/*.bats))

# As many at once as there are processors, where nobody said how many.
JOBS = $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,-j $(shell nproc))

check:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@$(BATS) $(BATSFLAGS) $(SUITE)

# What takes longest begins first.  make by another name: make -n runs whole
# recipes that have its own in them.
AGAIN = $(MAKE) --no-print-directory

check-all:
	@tests/install-missing build test packages
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@status=0; \
	$(BATS) $(BATSFLAGS) $(SLOW_SUITE) $(SUITE) || status=1; \
	echo "# once more, with the static link"; \
	HANDLER='$(CURDIR)/socks64-handler-static' \
	    $(BATS) $(BATSFLAGS) $(STATIC_SUITE) || status=1; \
	echo "# once more, with a handler that listens"; \
	LISTEN=1 $(BATS) $(BATSFLAGS) $(LISTEN_SUITE) || status=1; \
	$(AGAIN) sanitize || status=1; \
	exit $$status

# All that is about sessions, with a handler that listens, and once more with
# one that ASan and UBSan watch.
check-listening:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@LISTEN=1 $(BATS) $(BATSFLAGS) $(LISTEN_SUITE) $(LISTEN_REST)
	@LISTEN=1 tests/sanitized $(LISTEN_SUITE) $(LISTEN_REST)

# A fault at each system call of a session of each kind: FAULTS=N tries every
# Nth of them alone, REST=1 those of the last run that broke a rule or were not
# reached.  The page gets the table of what came out.
FAULTS = 1
REST =

faults:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all build/tests/inject \
	    build/tests/probe/starve.so
	@tests/faults/faults.py --share $(FAULTS) $(REST:1=--again) \
	    --results build/faults --table doc/reliability.md \
	    build/tests/inject $(CURDIR)/socks64-handler \
	    $(CURDIR)/socks64-handler-static

# Thousands of sessions at once, and bad cables for SOAK_MINUTES, with every
# octet looked at; in namespaces of their own.  The page gets the tables.
SOAK_MINUTES = 20
LOAD = tests/load/run tests/load/$@.py --table doc/reliability.md

load: all build/bench/inetd
	@tests/install-missing build test
	@$(LOAD) build $(CURDIR)/socks64-handler $(CURDIR)/socks64-handler-static

soak: all
	@tests/install-missing build test
	@$(LOAD) --minutes $(SOAK_MINUTES) \
	    $(CURDIR)/socks64-handler $(CURDIR)/socks64-handler-static

# What packagers ask for: two builds that are the same, debian/, musl.
building: all
	@tests/install-missing build test lint
	@$(BATS) $(BATSFLAGS) tests/building

# A handler for each row of the sandbox's table, without it: two minutes.
minimal:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@$(BATS) $(BATSFLAGS) tests/exhaustive

# Debian's packages, built in a clean root of a release, and tried in a bare one.
RELEASE = bookworm

deb:
	@tests/install-missing packages
	tests/debian build $(RELEASE)

deb-check:
	@tests/install-missing packages
	tests/debian check $(RELEASE)

# For other architectures, as far as qemu-user carries.
ARCHITECTURES = arm64 riscv64

cross: all
	@tests/install-missing cross
	tests/cross $(ARCHITECTURES)

# For arm64 once more, under Debian's kernel of it: three minutes.
cross-vm:
	@tests/install-missing build cross cross-vm
	@tests/cross-vm

# Another release of Debian: its compiler, its libraries, today's program.
releases: all
	@tests/install-missing build test packages
	tests/releases trixie

lint:
	@tests/install-missing build lint
	@tests/lint/run

# The suite over a handler that counts what it runs.
coverage:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@tests/coverage

# Programs under socks64 and under clients of other make: half an hour.  The
# table goes into doc/client.md.  ROWS=REGEX tries those programs again, each
# for so many seconds: a busy machine takes marks away.
COMPARED = $(CURDIR)/build/compared
ROWS =
SECONDS_EACH = 15

clients:
	@tests/install-missing build test clients
	@$(MAKE) --no-print-directory $(JOBS) all $(CLIENT_PROGRAMS:%=build/client/%)
	@mkdir -p $(COMPARED)
	@COMPARED=$(COMPARED) BATS_TEST_TIMEOUT=7200 \
	    PROGRAM_PATIENCE=$(SECONDS_EACH) ROWS='$(ROWS)' \
	    bats --print-output-on-failure tests/compare
	@tests/compare/table $(COMPARED) doc/client.md

# Programs that nobody here wrote and that speak SOCKS, a quarter of an hour:
# doc/clients.md gets what came.  OUTSIDE_ONLY=PATTERN tries some.
OUTSIDE = $(CURDIR)/build/outside

outside:
	@tests/install-missing build test outside
	@$(MAKE) --no-print-directory $(JOBS) all
	@mkdir -p $(OUTSIDE)/results
	@status=0; \
	OUTSIDE=$(OUTSIDE) BATS_TEST_TIMEOUT=7200 \
	    bats --print-output-on-failure tests/outside || status=1; \
	tests/outside/table tests/outside/programs tests/outside/left-out \
	    $(OUTSIDE)/results doc/clients.md; \
	exit $$status

# The suite over a handler that ASan and UBSan watch.
check-sanitized:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@tests/sanitized

# N small changes of the sources, one at a time: does the suite notice?
N = 20
mutants:
	@tests/install-missing build test
	@tests/mutants $(N) $(SEED)

# Ratios against the least that a handler can be, side by side in one run.
bench: all build/bench/bare build/bench/bare-fork build/bench/inetd build/bench/datagrams build/bench/policy build/bench/connections
	@tests/unpack-package openbsd-inetd build/openbsd-inetd
	tests/bench/bench.py build $(FIGURES)

# The listening mode with many at once, for minutes: storms, 10,000 held
# sessions, changes, exits, records.
listening: all build/bench/bare build/bench/bare-fork
	@tests/install-missing build test
	tests/bench/listening build

.PHONY: bench building check check-all check-listening check-sanitized \
	clients counted coverage cross cross-vm deb deb-check faults fuzz lint \
	listening load minimal mutants outside probes releases sanitize soak

# Drivers, fuzz targets and their replays link rooms that were compiled with
# every check of the compiler, once for each kind of check.
CHECKED = $(OWN_CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra -MMD -MP
NO_RECOVER = -fno-sanitize-recover=all
CHECKS_asan = -fsanitize=address,undefined $(NO_RECOVER)
CHECKS_ubsan = -fsanitize=undefined $(NO_RECOVER)
CHECKS_fuzz = $(CHECKS_asan) -fsanitize=fuzzer-no-link
CHECKS_swift = $(CHECKS_ubsan) -fsanitize=fuzzer-no-link
CHECKS_counted = -fprofile-instr-generate -fcoverage-mapping

build/asan/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(CC) $(CHECKED) $(CHECKS_asan) -c -o $@ $<

build/ubsan/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(CC) $(CHECKED) $(CHECKS_ubsan) -c -o $@ $<

build/clang/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(CLANG) $(CHECKED) $(CHECKS_fuzz) -c -o $@ $<

build/swift/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(CLANG) $(CHECKED) -O2 $(CHECKS_swift) -c -o $@ $<

build/counted/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(CLANG) $(CHECKED) $(CHECKS_counted) -c -o $@ $<

.PRECIOUS: build/asan/%.o build/ubsan/%.o build/clang/%.o build/swift/%.o \
	build/counted/%.o

-include $(wildcard $(foreach kind,asan ubsan clang swift counted, \
	$(foreach depth,* */* */*/* */*/*/*,build/$(kind)/$(depth).d)))

# objects KIND,SOURCES
objects = $(patsubst %.c,build/$(1)/%.o,$(sort $(2)))

PURE = $(foreach name,descriptor inputs lines number text wait,base/$(name).c) \
	$(wildcard wire/*.c policy/*.c) \
	$(foreach name,commands dialect forms line queue replies stream,alg/$(name).c)
SHARE = $(wildcard base/*.c share/*.c wire/*.c)
# The pure files of service/, each with what it stands on.
SERVICE = service/ledger.c service/place.c service/overview.c \
	service/message.c log/record.c log/fields.c base/figures.c
# The race is driven with the rooms below it and a policy of the driver's own.
DIAL = $(patsubst %,net/%.c,dial nat64 answer candidates resolve query resolvconf \
	hosts route onlink order failure outcome sockaddr) \
	policy/origin.c policy/sets.c \
	$(wildcard base/*.c wire/*.c)
# The client's own parsers: what it hands over, and what a program is.
CLIENT_PURE = $(patsubst %,lib/%.c,handover elf fakes real) \
	$(wildcard base/*.c wire/*.c)

# A driver of a unit stands on UNIT_name, or else on the pure files.
UNIT_order = net/order.c $(PURE)
UNIT_table = $(SHARE)
UNIT_service = $(SERVICE) $(PURE)
UNIT_native = log/native.c base/descriptor.c
UNIT_client-handover = $(CLIENT_PURE)
UNIT_client-fakes = $(CLIENT_PURE)
UNIT_client-program = $(CLIENT_PURE)
# The table's driver has a clock and chance of its own; what the native link
# would send is looked at instead.
WRAP_table = -Wl,--wrap=clock_now,--wrap=deadline_passed,--wrap=getrandom
WRAP_native = -Wl,--wrap=socket,--wrap=sendmsg

.SECONDEXPANSION:

build/tests/%: build/asan/tests/unit/%.o \
    $$(call objects,asan,$$(or $$(UNIT_$$*),$$(PURE)))
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKS_asan) $(WRAP_$*) -o $@ $^ -lcrypt -lcdb

# It looks for secrets in all of its own memory: ASan has 20 TB of that, and
# lazy binding leaves registers on the stack.
build/tests/password: build/ubsan/tests/unit/password.o \
    $(call objects,ubsan,$(PURE))
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKS_ubsan) -Wl,-z,now -o $@ $^ -lcrypt -lcdb

# No ASan: it opens files and wants many descriptors.
build/tests/dial: build/ubsan/tests/unit/dial.o $(call objects,ubsan,$(DIAL))
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKS_ubsan) \
	    -Wl,--wrap=clock_gettime,--wrap=ppoll -o $@ $^ -lcares

# Measured by its tests: built as the handler is.
build/tests/unit/relay: build/tests/unit/relay.o $(addprefix build/, \
	    net/relay.o net/exchange.o net/flow.o net/outcome.o net/sockaddr.o base/figures.o base/wait.o \
	    wire/address.o base/text.o)
	$(call STEP,link)$(LINK) -pie -o $@ $^

build/tests/unit/wait: build/tests/unit/wait.o build/base/wait.o
	$(call STEP,link)$(LINK) -pie -o $@ $^

# It knows the registers of one kind of machine.
build/tests/inject: tests/faults/inject.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(CC) -std=gnu17 -Wall -Wextra -O1 -o $@ $< -lseccomp

# What tests/sandbox.bats runs.
PROBES = build/tests/probe/probe build/tests/probe/table \
	build/tests/probe/without-seccomp
CONFINEMENT = $(patsubst %.c,build/%.o,$(filter-out \
	sandbox/generate.c sandbox/taken.c,$(wildcard sandbox/*.c)) base/lines.c base/number.c base/text.c)

PRELOADED = build/tests/probe/tomorrow.so build/tests/probe/starve.so

probes: $(PROBES) $(PRELOADED)

$(PRELOADED): build/%.so: %.c
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -fPIC \
	    -shared -o $@ $<

$(PROBES): %: %.o $(CONFINEMENT)
	$(call STEP,link)$(LINK) -pie -o $@ $^ -lseccomp -lcrypt -lsystemd

build/tests/probe/table.o: build/sandbox/filters.h

-include $(wildcard build/tests/unit/*.d) $(PROBES:=.d)

# Fuzz targets stand on TARGET_name, or else on the pure rooms.  The same
# source is replayed over its corpus by make check, without clang.
TARGET_table = $(PURE) $(wildcard share/*.c)
TARGET_message = $(PURE) service/message.c
TARGET_ftp-dialogue = $(PURE) $(foreach name,active alg control intake \
	passive permit translate,alg/$(name).c) net/failure.c
TARGET_client-handover = $(CLIENT_PURE)
TARGET_client-program = $(CLIENT_PURE)
CLANG = clang-14
FUZZ_SECONDS = 30
# Whole handlers, in tests/fuzz/machine.
MACHINES = association command hop names service session
STATEFUL = ftp-dialogue table $(MACHINES)
FUZZERS = $(patsubst tests/fuzz/%.c,%,$(filter-out %/replay.c, \
	$(wildcard tests/fuzz/*.c)))
SWIFT = $(filter-out $(STATEFUL),$(FUZZERS))
REPLAYS = $(FUZZERS:%=build/replay/%)

$(filter-out $(MACHINES:%=build/fuzz/%),$(FUZZERS:%=build/fuzz/%)): build/fuzz/%: build/clang/tests/fuzz/%.o \
    $$(call objects,clang,$$(or $$(TARGET_$$*),$$(PURE)))
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKS_asan) -fsanitize=fuzzer -o $@ $^ -lcrypt -lcdb

# Without ASan, which makes each execution three times as long.
build/fuzz-long/%: build/swift/tests/fuzz/%.o \
    $$(call objects,swift,$$(or $$(TARGET_$$*),$$(PURE)))
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKS_ubsan) -fsanitize=fuzzer -o $@ $^ -lcrypt -lcdb

$(filter-out $(MACHINES:%=build/replay/%),$(REPLAYS)): build/replay/%: build/asan/tests/fuzz/%.o \
    build/asan/tests/fuzz/replay.o \
    $$(call objects,asan,$$(or $$(TARGET_$$*),$$(PURE)))
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKS_asan) -o $@ $^ -lcrypt -lcdb

# A whole handler, whose calls of the kernel lead to tests/fuzz/machine: each
# hook_CALL there stands in the place of CALL.  Its data lies together, so that
# it can be put back.
MACHINE = $(wildcard tests/fuzz/machine/*.c)
MACHINED = $(SOURCES) log/native.c
KEEP_TOGETHER = $(foreach name,data data.rel data.rel.local, \
	--rename-section .$(name)=handler_data) \
	--rename-section .bss=handler_bss \
	--rename-section .persistent.bss=handler_seldom
REDEFINE = objcopy --redefine-syms=build/machine/$(1)/calls $(KEEP_TOGETHER)

define MACHINE_OF
build/machine/$(1)/calls: $$(call objects,$(1),$$(MACHINE))
	@mkdir -p $$(@D)
	@{ echo main handler_main; \
	    nm --defined-only $$^ | sed -n 's/.* [A-Z] hook_\(.*\)/\1 hook_\1/p'; \
	} >$$@

build/machine/$(1)/%.o: build/$(1)/%.o build/machine/$(1)/calls
	@mkdir -p $$(@D)
	$$(call STEP,redirect)$$(call REDEFINE,$(1)) $$< $$@

build/machine/$(1)/%.a: build/machine/$(1)/calls
	$$(call STEP,redirect)$$(call REDEFINE,$(1)) \
	    $$$$($$(CC) -print-file-name=$$(@F)) $$@

build/$(1)/sandbox/sandbox.o: build/sandbox/filters.h build/sandbox/table.h

MACHINE_$(1) = $$(call objects,$(1),$$(MACHINE)) \
	$$(MACHINED:%.c=build/machine/$(1)/%.o) \
	build/machine/$(1)/libcares.a build/machine/$(1)/libcdb.a

.PRECIOUS: build/machine/$(1)/%.o build/machine/$(1)/%.a
endef

$(foreach kind,asan clang counted,$(eval $(call MACHINE_OF,$(kind))))

$(MACHINES:%=build/fuzz/%): build/fuzz/%: build/clang/tests/fuzz/%.o \
    $(MACHINE_clang)
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKS_asan) -fsanitize=fuzzer -o $@ $^ -lcrypt

$(MACHINES:%=build/replay/%): build/replay/%: build/asan/tests/fuzz/%.o \
    build/asan/tests/fuzz/replay.o $(MACHINE_asan)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKS_asan) -o $@ $^ -lcrypt

# What counts, for fuzz-coverage.
$(MACHINES:%=build/counted/fuzz/%): build/counted/fuzz/%: \
    build/counted/tests/fuzz/%.o build/counted/tests/fuzz/replay.o \
    $(MACHINE_counted)
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKS_counted) -o $@ $^ -lcrypt

build/counted/fuzz/%: build/counted/tests/fuzz/%.o \
    build/counted/tests/fuzz/replay.o \
    $$(call objects,counted,$$(or $$(TARGET_$$*),$$(PURE)))
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKS_counted) -o $@ $^ -lcrypt -lcdb

# Programs that run under socks64.
build/client/%: tests/client/%.c
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -o $@ $< -pthread

# The same with a sanitizer, beside a library that has it and a wrapper, which
# looks for the library there.
CLIENT_PROGRAMS = oracle calls datagrams threads
CHECKS_tsan = -fsanitize=thread

define SANITIZED
build/client-$(1)/%.o: %.c
	@mkdir -p $$(@D)
	$$(call STEP,compile)$$(CC) $$(CHECKED) $$(LIBRARY_FLAGS) \
	    $$(CHECKS_$(1)) -c -o $$@ $$<

build/client-$(1)/libsocks64.so: $$(LIBRARY_SOURCES:%.c=build/client-$(1)/%.o)
	$$(call STEP,link)$$(CC) $$(CHECKS_$(1)) -shared \
	    -Wl,--version-script=lib/exports -o $$@ $$^

build/client-$(1)/socks64: socks64 build/client-$(1)/libsocks64.so
	@cp socks64 $$@

$$(CLIENT_PROGRAMS:%=build/client-$(1)/%): build/client-$(1)/%: \
    build/client-$(1)/tests/client/%.o
	$$(call STEP,link)$$(CC) $$(CHECKS_$(1)) -o $$@ $$< -pthread

-include $$(LIBRARY_SOURCES:%.c=build/client-$(1)/%.d)

.PRECIOUS: build/client-$(1)/%.o
endef

$(foreach kind,asan tsan,$(eval $(call SANITIZED,$(kind))))

# Whatever runs programs of ours alone, once with each of the two.
sanitize:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(foreach kind,asan tsan, \
	    $(foreach name,socks64 $(CLIENT_PROGRAMS),build/client-$(kind)/$(name)))
	@for kind in asan tsan; do \
	    echo "# $$kind"; \
	    SANITIZED=$$kind $(BATS) $(BATSFLAGS) --filter-tags sanitized \
	        tests/client-*.bats || exit 1; \
	done

# Vectors are corpora, too, and not kept twice: VECTORS_TARGET are the
# directories of tests/vectors that hold what the target reads.
VECTORS_proxy = proxy
VECTORS_login = login
VECTORS_udp = datagram control
VECTORS_ftp-dialogue = ftp
VECTORS_client = method answer reply from
VECTORS_socks4 = socks4-request
CORPORA = $(patsubst %,build/fuzz/vectors/%.made,proxy login udp client \
	socks4)
corpus_of = $(wildcard tests/fuzz/corpus/$(1)) \
	$(if $(VECTORS_$(1))$(filter $(1),$(MACHINES)),build/fuzz/vectors/$(1))

$(CORPORA): build/fuzz/vectors/%.made: tests/fuzz/octets.py \
	    $(wildcard tests/vectors/*/*.hex)
	@rm -rf build/fuzz/vectors/$*
	$(call STEP,corpus)tests/fuzz/octets.py build/fuzz/vectors/$* \
	    $(wildcard $(VECTORS_$*:%=tests/vectors/%/*.hex))
	@touch $@

DIALOGUES = build/fuzz/vectors/ftp-dialogue.made
SCRIPTS = build/fuzz/vectors/scripts.made

$(SCRIPTS): tests/fuzz/scripts.py
	@rm -rf $(MACHINES:%=build/fuzz/vectors/%)
	$(call STEP,corpus)tests/fuzz/scripts.py build/fuzz/vectors
	@touch $@

$(DIALOGUES): tests/fuzz/dialogues.py $(wildcard tests/vectors/ftp/*)
	@rm -rf $(@:.made=)
	$(call STEP,corpus)tests/fuzz/dialogues.py $(@:.made=) \
	    $(wildcard tests/vectors/ftp/*)
	@touch $@

fuzz:
	@tests/install-missing build fuzz
	@$(MAKE) --no-print-directory $(FUZZERS:%=fuzz/%)

fuzz/%: build/fuzz/% $(CORPORA) $(DIALOGUES) $(SCRIPTS)
	@mkdir -p build/fuzz/corpus/$*
	build/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
	    -rss_limit_mb=4096 -max_len=4096 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* \
	    $(call corpus_of,$*)

# RUNS executions of all pure targets together, once: the page gets the table.
# What was stopped goes on; build/fuzz/long has what was found.
RUNS = 100000000
FUZZ_PREFIX = nice -n 15

fuzz-long:
	@tests/install-missing build fuzz
	@$(MAKE) --no-print-directory $(JOBS) $(SWIFT:%=build/fuzz-long/%) $(CORPORA)
	@tests/fuzz/long.py --prefix '$(FUZZ_PREFIX)' --runs $(RUNS) \
	    --page doc/reliability.md build/fuzz/long \
	    $(foreach name,$(SWIFT), \
		'build/fuzz-long/$(name) $(strip $(call corpus_of,$(name)))')

# Which lines of the rooms all targets run together, over their corpora; the
# client's own parsers are no part of it.
COUNTED = $(filter-out client-%,$(FUZZERS))

fuzz-coverage:
	@tests/install-missing build fuzz
	@$(MAKE) --no-print-directory $(JOBS) $(COUNTED:%=build/counted/fuzz/%) \
	    $(CORPORA) $(DIALOGUES) $(SCRIPTS)
	@tests/fuzz/coverage.py --page doc/reliability.md build/fuzz/counted \
	    $(foreach name,$(COUNTED), \
		'build/counted/fuzz/$(name) $(strip $(call corpus_of,$(name)))')

build/bench/bare-fork: tests/bench/bare.c

build/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) -std=gnu17 $(OPTIMIZE) -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

# libsocks64.so is to be in front of it.
build/bench/connections: tests/bench/connections.c
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) -std=gnu17 $(OPTIMIZE) -Wall -Wextra -D_GNU_SOURCE -o $@ $<

build/bench/policy: tests/unit/policy.c $(PURE)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(OWN_CPPFLAGS) -std=c17 $(OPTIMIZE) -Wall -Wextra -o $@ $^ \
	    -lcrypt -lcdb

# What runs parts of the handler, and counts for tests/coverage.
DRIVERS = $(REPLAYS) $(CORPORA) $(SCRIPTS) build/tests/policy build/tests/dial \
	build/tests/message build/tests/address build/tests/password \
	build/tests/order build/tests/table build/tests/native \
	build/tests/service build/tests/ftp build/tests/socks4 \
	build/tests/client build/tests/client-handover \
	build/tests/client-fakes build/tests/client-program \
	build/tests/unit/relay build/tests/unit/wait

counted: $(DRIVERS)

TEST_PROGRAMS = $(DRIVERS) $(PROBES) $(PRELOADED) build/client/oracle \
	build/client/calls build/client/datagrams build/client/threads
