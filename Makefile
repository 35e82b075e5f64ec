# SPDX-License-Identifier: ISC
# socks64-handler: see README.md and HACKING.md.  GNU make.
#
#   make            socks64-handler and socks64-handler-static; socks64 and
#                   libsocks64.so, the client
#   make run        install what is missing, build, serve on 127.0.0.1:1080;
#                   LISTEN=1: without a launcher (-l)
#   make check      install what is missing, build, run the tests
#
# One line for each step of the build; V=1 shows the commands.  CFLAGS, CPPFLAGS
# and LDFLAGS are the builder's, on the command line or in the environment, and
# come behind ours; the checks of _FORTIFY_SOURCE are ours in any case.

VERSION = 0.1.0
PREFIX = /usr/local
DESTDIR =
PORT = 1080
CONFIG =
LISTEN =
V =

CC = gcc
WERROR =
# Start-up is the hot path: fewer pages are faster than faster loops.
OPTIMIZE = -Os
WARNINGS = -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow \
	-Wcast-qual -Wcast-align -Wstrict-prototypes -Wmissing-prototypes \
	-Wformat=2 -Wnull-dereference -Wswitch-enum -Wvla -Wundef \
	-Wwrite-strings -Wimplicit-fallthrough $(WARNINGS_$(CC)) $(WERROR)
WARNINGS_gcc = -Wduplicated-cond -Wlogical-op
HARDEN = -fstack-protector-strong -fstack-clash-protection -fPIE \
	-fno-asynchronous-unwind-tables $(BRANCHES)
# In place of a builder's level; glibc has it not where nothing is optimized.
FORTIFY = $(if $(filter -O0,$(lastword $(filter -O%,$(OPTIMIZE) $(CFLAGS)))),, \
	-D_FORTIFY_SOURCE=3)
BUILDERS = $(filter-out -D_FORTIFY_SOURCE=% -Wp$(comma)-D_FORTIFY_SOURCE=%,$(1))
comma = ,
# Jumps and returns go only where the compiler sent them, as far as the
# processor checks that.  The first word of the target's triplet chooses.
TARGET := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
BRANCHES = $(BRANCHES_$(TARGET))
# The sandbox's table is one of 64-bit kernels: those of 32 bits have one call
# for all that is done with sockets, and times of two kinds.
REFUSE = $(if $(filter i386 i486 i586 i686 arm% mips mipsel powerpc,$(TARGET)),\
	$(error $(TARGET): only 64-bit machines are supported, for the sandbox cannot tell socket calls apart on this one))
BRANCHES_x86_64 = -fcf-protection
BRANCHES_aarch64 = -mbranch-protection=standard
OWN_CPPFLAGS = -I. -Ibuild -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
# No path of the builder's gets into a program.
OWN_CFLAGS = -std=c17 $(OPTIMIZE) -g -ffile-prefix-map='$(CURDIR)'=. \
	-ffunction-sections -fdata-sections $(HARDEN) $(WARNINGS)
# Sorted, small variables share pages.
OWN_LDFLAGS = -Wl,-z,relro,-z,now,--gc-sections,--as-needed,--sort-section=alignment
COMPILE = $(REFUSE)$(CC) $(OWN_CPPFLAGS) $(FORTIFY) $(call BUILDERS,$(CPPFLAGS)) \
	$(OWN_CFLAGS) $(call BUILDERS,$(CFLAGS))
LINK = $(CC) $(OWN_CFLAGS) $(CFLAGS) $(OWN_LDFLAGS) $(LDFLAGS)

# The two links differ in the journal's back end, and the static one has a heap
# of its own.
ROOMS = base wire log policy net share alg sandbox session command service
# What makes the seccomp filters at build time.
GENERATOR = $(patsubst %,sandbox/%.c,generate taken calls)
SOURCES = socks64-handler.c \
	$(filter-out $(GENERATOR) log/systemd.c log/native.c session/heap.c, \
	$(foreach room,$(ROOMS),$(sort $(wildcard $(room)/*.c))))
OBJECTS = $(SOURCES:%.c=build/%.o)
# libcdb is linked statically: a library more to load would cost each session
# more than its few functions do.
LIBRARIES = -lcares -lcrypt -l:libcdb.a

# make -s says nothing at all.
IS_SILENT = $(findstring s,$(firstword -$(MAKEFLAGS)))
STEP = $(if $(V),,@$(if $(IS_SILENT),,echo '  $(1)  $@';))

all: socks64-handler socks64-handler-static socks64 libsocks64.so

socks64-handler: $(OBJECTS) build/log/systemd.o
	$(call STEP,link)$(LINK) -pie -o $@ $^ \
	    $(LIBRARIES) -lsystemd

# GCC links a program with a loader, without a word, where it knows no static
# PIE for the target.
HASH := \#
STATIC_PIE = $(if $(findstring no-dynamic-linker, \
	$(shell $(CC) -static-pie '-$(HASH)$(HASH)$(HASH)' -x c /dev/null 2>&1)),-static-pie, \
	$(error $(CC) makes no static PIE for $(TARGET): no socks64-handler-static))

# The linker warns of getservbyname and getservbyport_r: c-ares has them,
# nothing here calls them.
socks64-handler-static: $(OBJECTS) build/log/native.o build/session/heap.o
	$(call STEP,link)$(LINK) $(STATIC_PIE) -o $@ $^ \
	    $(LIBRARIES)

# The client.  The library goes into other people's programs, of glibc and of
# musl: no symbol that one of them has not, nothing visible but what it stands
# in front of.
WRAPPER = socks64 configure gateway program elf check
CLIENT_BASE = $(sort $(wildcard base/*.c wire/*.c))
LIBRARY_SOURCES = $(filter-out $(WRAPPER:%=lib/%.c), \
	$(sort $(wildcard lib/*.c))) $(CLIENT_BASE)
WRAPPER_SOURCES = $(WRAPPER:%=lib/%.c) lib/handover.c lib/fakes.c lib/real.c \
	lib/dial.c lib/endpoint.c $(CLIENT_BASE) $(sort $(wildcard policy/*.c))
LIBRARY_FLAGS = -fPIC -fvisibility=hidden -U_FORTIFY_SOURCE
LIBRARY_OBJECTS = $(LIBRARY_SOURCES:%.c=build/pic/%.o)
WRAPPER_OBJECTS = $(WRAPPER_SOURCES:%.c=build/%.o)

socks64: $(WRAPPER_OBJECTS)
	$(call STEP,link)$(LINK) -pie -o $@ $^ -lcrypt -l:libcdb.a

libsocks64.so: $(LIBRARY_OBJECTS) lib/exports
	$(call STEP,link)$(LINK) $(LIBRARY_FLAGS) -shared \
	    -Wl,--version-script=lib/exports -o $@ $(LIBRARY_OBJECTS)

build/pic/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(COMPILE) $(LIBRARY_FLAGS) -MMD -MP -c -o $@ $<

build/%.o: %.c
	@mkdir -p $(@D)
	$(call STEP,compile)$(COMPILE) -MMD -MP -c -o $@ $<

# The seccomp filters are made here, with libseccomp, by a program that runs
# on the machine that builds, for the handler's.  FILTERS=--trap for
# development: SIGSYS can be caught.
CC_FOR_BUILD = gcc
GENERATE = build/sandbox/generate $(TARGET)
build/sandbox/generate: $(GENERATOR) base/text.c $(wildcard sandbox/*.h) \
	    base/array.h base/descriptor.h base/text.h
	@mkdir -p $(@D)
	$(call STEP,link)$(CC_FOR_BUILD) $(OWN_CPPFLAGS) -std=c17 -O1 \
	    $(WARNINGS) -o $@ $(GENERATOR) base/text.c -lseccomp

build/sandbox/filters.h: build/sandbox/generate
	$(call STEP,filters)$(GENERATE) $(FILTERS) >$@.new
	@mv $@.new $@

build/sandbox/table.h: build/sandbox/generate
	$(call STEP,table)$(GENERATE) --table >$@.new
	@mv $@.new $@

build/sandbox/sandbox.o: build/sandbox/filters.h build/sandbox/table.h

-include $(OBJECTS:.o=.d) $(WRAPPER_OBJECTS:.o=.d) $(LIBRARY_OBJECTS:.o=.d) \
	build/log/systemd.d build/log/native.d build/session/heap.d

# The packages that are missing are installed first, then make builds.
run:
	@tests/install-missing build run
	@$(MAKE) --no-print-directory socks64-handler
	@$(if $(CONFIG),./socks64-handler -T -f '$(CONFIG)' >/dev/null)
	units/run.sh '$(PORT)' '$(CONFIG)' '$(LISTEN)'

install: all
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' units/install.sh install

uninstall:
	PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' units/install.sh uninstall

version:
	@echo $(VERSION)

clean:
	rm -rf build socks64-handler socks64-handler-static socks64 \
	    libsocks64.so

.PHONY: all run install uninstall version clean

# check, check-all, lint, fuzz, coverage, bench
include tests/tests.mk
