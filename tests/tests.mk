# SPDX-License-Identifier: ISC
# Everything that tests, and what tests are built of.

BATS = bats --print-output-on-failure
BATSFLAGS =
# From the parts to the whole, so that what fails first says most; a file that
# is not named runs, too, behind these.
ORDER = policy password messages check handshake socks4 relay dial matrix \
	halfclose timeouts clients start make egress inside log login proxied \
	table ftp bind sandbox service udp udp-clients install docs lint
SUITE = $(ORDER:%=tests/%.bats) $(sort $(filter-out $(ORDER:%=tests/%.bats), \
	$(wildcard tests/*.bats)))
# What any link must pass.
STATIC_SUITE = $(patsubst %,tests/%.bats, \
	handshake socks4 relay dial matrix halfclose clients)
# What a session does the same in the listening mode.
LISTEN_SUITE = $(patsubst %,tests/%.bats, \
	matrix halfclose timeouts clients bind udp udp-clients)
SLOW_SUITE = $(sort $(wildcard tests/slow/*.bats))

# As many at once as there are processors, where nobody said how many.
JOBS = $(if $(findstring j,$(firstword -$(MAKEFLAGS))),,-j $(shell nproc))

check:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@$(BATS) $(BATSFLAGS) $(SUITE)

check-all:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@status=0; \
	$(BATS) $(BATSFLAGS) $(SUITE) $(SLOW_SUITE) || status=1; \
	echo "# once more, with the static link"; \
	HANDLER='$(CURDIR)/socks64-handler-static' \
	    $(BATS) $(BATSFLAGS) $(STATIC_SUITE) || status=1; \
	echo "# once more, with a handler that listens"; \
	LISTEN=1 $(BATS) $(BATSFLAGS) $(LISTEN_SUITE) || status=1; \
	exit $$status

# A handler for each row of the sandbox's table, without it: two minutes.
minimal:
	@tests/install-missing build test
	@$(MAKE) --no-print-directory $(JOBS) all $(TEST_PROGRAMS)
	@$(BATS) $(BATSFLAGS) tests/exhaustive

lint:
	@tests/install-missing build lint
	@tests/lint/run

# The suite over a handler that counts what it runs; the handler ends by
# _exit(2), so the counters are dumped by tests/coverage.
coverage:
	@tests/install-missing build test
	@tests/coverage

# Ratios against the least that a handler can be, side by side in one run.
bench: all build/bench/bare build/bench/bare-fork build/bench/inetd build/bench/datagrams build/bench/policy
	@tests/unpack-package openbsd-inetd build/openbsd-inetd
	tests/bench/bench.py build $(FIGURES)

.PHONY: check check-all minimal lint fuzz coverage bench probes

# Unit drivers link the rooms that they test, with every check of the
# compiler.
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all
CHECKED = $(CPPFLAGS) -std=c17 -O1 -g -Wall -Wextra
PURE = $(sort $(foreach name,inputs lines number text wait,base/$(name).c) \
	$(wildcard wire/*.c policy/*.c) \
	$(foreach name,commands dialect forms line queue replies stream,alg/$(name).c))
HEADERS = $(wildcard base/*.h log/*.h wire/*.h policy/*.h net/*.h share/*.h alg/*.h)

build/tests/%: tests/unit/%.c $(PURE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) -o $@ $< $(PURE) -lcrypt

# It looks for secrets in all of its own memory: ASan has 20 TB of that, and
# lazy binding leaves registers on the stack.
build/tests/password: SANITIZE = -fsanitize=undefined \
	-fno-sanitize-recover=all -Wl,-z,now

build/tests/order: tests/unit/order.c net/order.c $(PURE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) -o $@ $< net/order.c $(PURE) -lcrypt

# The race is driven with the rooms below it and a policy of the driver's
# own; no ASan, which opens files and wants many descriptors.
DIAL = $(patsubst %,net/%.c,dial nat64 answer candidates resolve resolvconf \
	hosts words route onlink order failure outcome sockaddr) policy/sets.c \
	$(wildcard base/*.c wire/*.c)

build/tests/dial: tests/unit/dial.c $(DIAL) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) -fsanitize=undefined -fno-sanitize-recover=all \
	    -Wl,--wrap=clock_gettime,--wrap=ppoll -o $@ $< $(DIAL) -lcares

# The driver has a clock of its own for what is in the table.
SHARE = $(wildcard base/*.c share/*.c wire/*.c)

build/tests/table: tests/unit/table.c $(SHARE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) \
	    -Wl,--wrap=clock_now,--wrap=deadline_passed -o $@ $< $(SHARE)

# Measured by its tests: built as the handler is.
build/tests/unit/relay: build/tests/unit/relay.o $(addprefix build/, \
	    net/relay.o net/exchange.o net/flow.o net/outcome.o net/sockaddr.o base/figures.o base/wait.o \
	    wire/address.o base/text.o)
	$(call STEP,link)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^

# The pure files of service/, each with what it stands on.
SERVICE = service/ledger.c service/place.c service/overview.c \
	service/message.c log/record.c log/fields.c base/figures.c

build/tests/service: tests/unit/service.c $(SERVICE) $(PURE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) -o $@ $< $(sort $(SERVICE) $(PURE)) -lcrypt

# What would be sent is looked at instead.
build/tests/native: tests/unit/native.c log/native.c base/descriptor.c \
    $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) \
	    -Wl,--wrap=socket,--wrap=sendmsg -o $@ $< log/native.c \
	    base/descriptor.c

build/tests/unit/wait: build/tests/unit/wait.o build/base/wait.o
	$(call STEP,link)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^

# What tests/sandbox.bats runs.
PROBES = build/tests/probe/probe build/tests/probe/table \
	build/tests/probe/without-seccomp
CONFINEMENT = $(patsubst %.c,build/%.o,$(filter-out sandbox/generate.c, \
	$(wildcard sandbox/*.c)) base/lines.c base/number.c base/text.c)

probes: $(PROBES)

$(PROBES): %: %.o $(CONFINEMENT)
	$(call STEP,link)$(CC) $(CFLAGS) $(LDFLAGS) -pie -o $@ $^ -lseccomp -lcrypt -lsystemd

build/tests/probe/table.o: build/sandbox/filters.h

-include $(wildcard build/tests/unit/*.d) $(PROBES:=.d)

# Fuzz targets link the pure rooms, and BESIDE_TARGET where that is not all.
# The same source is replayed over its corpus by make check, without clang.
BESIDE_table = $(wildcard share/*.c)
BESIDE_message = service/message.c
BESIDE_ftp-dialogue = $(foreach name,active alg control intake passive permit \
	translate,alg/$(name).c)
build/fuzz/ftp-dialogue build/replay/ftp-dialogue: $(BESIDE_ftp-dialogue)
CLANG = clang-14
FUZZ_SECONDS = 30
FUZZERS = $(patsubst tests/fuzz/%.c,%,$(filter-out %/replay.c, \
	$(wildcard tests/fuzz/*.c)))
REPLAYS = $(FUZZERS:%=build/replay/%)

build/fuzz/%: tests/fuzz/%.c $(PURE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKED) $(SANITIZE) -fsanitize=fuzzer -o $@ $< $(PURE) \
	    $(BESIDE_$*) -lcrypt

build/replay/%: tests/fuzz/%.c tests/fuzz/replay.c $(PURE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) -o $@ $< tests/fuzz/replay.c $(PURE) \
	    $(BESIDE_$*) -lcrypt

# The client's own parsers: what it hands over, and what a program is.
CLIENT_PURE = $(patsubst %,lib/%.c,handover elf fakes real) \
	$(wildcard base/*.c wire/*.c)
CLIENT_HEADERS = $(wildcard lib/*.h) $(HEADERS)

build/tests/client-%: tests/unit/client-%.c $(CLIENT_PURE) $(CLIENT_HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) -o $@ $< $(CLIENT_PURE)

build/fuzz/client-%: tests/fuzz/client-%.c $(CLIENT_PURE) $(CLIENT_HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CLANG) $(CHECKED) $(SANITIZE) -fsanitize=fuzzer -o $@ $< \
	    $(CLIENT_PURE)

build/replay/client-%: tests/fuzz/client-%.c tests/fuzz/replay.c $(CLIENT_PURE) $(CLIENT_HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CHECKED) $(SANITIZE) -o $@ $< tests/fuzz/replay.c \
	    $(CLIENT_PURE)

# Programs that run under socks64.
build/client/%: tests/client/%.c
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g -Wall -Wextra -o $@ $< -pthread

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
corpus_of = $(if $(VECTORS_$(1)),build/fuzz/vectors/$(1),tests/fuzz/corpus/$(1))

$(CORPORA): build/fuzz/vectors/%.made: tests/fuzz/octets.py \
	    $(wildcard tests/vectors/*/*.hex)
	@rm -rf build/fuzz/vectors/$*
	$(call STEP,corpus)tests/fuzz/octets.py build/fuzz/vectors/$* \
	    $(wildcard $(VECTORS_$*:%=tests/vectors/%/*.hex))
	@touch $@

DIALOGUES = build/fuzz/vectors/ftp-dialogue.made

$(DIALOGUES): tests/fuzz/dialogues.py $(wildcard tests/vectors/ftp/*)
	@rm -rf $(@:.made=)
	$(call STEP,corpus)tests/fuzz/dialogues.py $(@:.made=) \
	    $(wildcard tests/vectors/ftp/*)
	@touch $@

fuzz:
	@tests/install-missing build fuzz
	@$(MAKE) --no-print-directory $(FUZZERS:%=fuzz/%)

fuzz/%: build/fuzz/% $(CORPORA) $(DIALOGUES)
	@mkdir -p build/fuzz/corpus/$*
	build/fuzz/$* -max_total_time=$(FUZZ_SECONDS) -timeout=5 \
	    -rss_limit_mb=4096 -max_len=4096 -print_final_stats=1 \
	    -artifact_prefix=build/fuzz/$*- build/fuzz/corpus/$* \
	    $(call corpus_of,$*)

build/bench/bare-fork: tests/bench/bare.c

build/bench/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) -std=gnu17 $(OPTIMIZE) -Wall -Wextra -D_GNU_SOURCE -static -o $@ $<

build/bench/policy: tests/unit/policy.c $(PURE) $(HEADERS)
	@mkdir -p $(@D)
	$(call STEP,link)$(CC) $(CPPFLAGS) -std=c17 $(OPTIMIZE) -Wall -Wextra -o $@ $< \
	    $(PURE) -lcrypt

TEST_PROGRAMS = $(REPLAYS) $(CORPORA) $(PROBES) build/tests/policy build/tests/dial \
	build/tests/message build/tests/password build/tests/order \
	build/tests/table build/tests/native build/tests/service build/tests/ftp build/tests/unit/relay build/tests/unit/wait \
	build/tests/client build/tests/client-handover build/tests/client-fakes \
	build/tests/client-program build/client/oracle build/client/calls build/client/datagrams \
	build/client/threads
