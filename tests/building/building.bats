#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What a packager does with the sources: builds that are the same octets
# wherever they are made, and the packages of debian/ (tests/debian builds them
# in roots of their own, and tries them there).

load ../lib/common

export BATS_TEST_TIMEOUT=600

# sources DIRECTORY: what git knows, or all but what was built.
sources() {
	mkdir -p "$1"
	(cd "$ROOT" && {
		git ls-files 2>/dev/null ||
		    find . -path ./build -prune -o -type f -print
	} | tar -c -T -) | tar -x -C "$1"
}

# build DIRECTORY
build() {
	make -s -j "$(nproc)" -C "$1" all >"$BATS_TEST_TMPDIR/log" 2>&1 ||
	    fail "$(<"$BATS_TEST_TMPDIR/log")"
}

@test "two builds in two places, at two times, are the same octets" {
	local program
	export CCACHE_DISABLE=1
	sources "$BATS_TEST_TMPDIR/one"
	sources "$BATS_TEST_TMPDIR/a longer path/to/two"
	build "$BATS_TEST_TMPDIR/one"
	umask 077
	TZ=Asia/Tokyo LC_ALL=C build "$BATS_TEST_TMPDIR/a longer path/to/two"
	for program in socks64-handler socks64-handler-static socks64 \
	    libsocks64.so; do
		cmp "$BATS_TEST_TMPDIR/one/$program" \
		    "$BATS_TEST_TMPDIR/a longer path/to/two/$program"
		run ! grep -qF "$BATS_TEST_TMPDIR" \
		    "$BATS_TEST_TMPDIR/one/$program"
	done
}

@test "the packages of debian/ build; lintian and blhc have nothing to say" {
	local name
	for name in dh lintian blhc dh_apparmor; do
		command -v $name >/dev/null || skip "no $name"
	done
	sources "$BATS_TEST_TMPDIR/source"
	(cd "$BATS_TEST_TMPDIR/source" &&
	    DEB_BUILD_OPTIONS=parallel=$(nproc) dpkg-buildpackage -us -uc -b) \
	    >"$BATS_TEST_TMPDIR/log" 2>&1 ||
	    fail "$(tail -n 30 "$BATS_TEST_TMPDIR/log")"
	run -0 lintian --allow-root --fail-on error,warning \
	    "$BATS_TEST_TMPDIR"/*.changes
	run -0 blhc --all "$BATS_TEST_TMPDIR/log"
	assert_equal "blhc" "$output" ""
	for name in handler handler-static client; do
		[[ -e $(echo "$BATS_TEST_TMPDIR/socks64-${name}_"*.deb) ]]
	done
	# What is linked statically is said by name and version.
	for name in handler client; do
		run -0 dpkg-deb -f "$BATS_TEST_TMPDIR/socks64-${name}"_*.deb \
		    Built-Using
		assert_match "$name" "$output" '^tinycdb \(= [^,]*\)$'
	done
	run -0 dpkg-deb -f "$BATS_TEST_TMPDIR"/socks64-handler-static_*.deb \
	    Built-Using
	assert_match Built-Using "$output" 'c-ares \(= .*glibc \(= .*libxcrypt \(= '
}

# musl_headers DIRECTORY: what musl-tools has not and a system with musl has:
# the kernel's headers, those of c-ares and tinycdb, and crypt.h as musl has it.
musl_headers() {
	local name
	mkdir -p "$1"
	for name in linux asm-generic "$(gcc -print-multiarch)/asm"; do
		ln -s "/usr/include/$name" "$1/${name##*/}"
	done
	ln -s /usr/include/ares*.h /usr/include/cdb.h "$1"
	cat >"$1/crypt.h" <<-'END'
		struct crypt_data {
			int initialized;
			char __buf[256];
		};
		char *crypt(const char *, const char *);
		char *crypt_r(const char *, const char *, struct crypt_data *);
	END
}

# c-ares of Debian is glibc's, and its musl has no crypt(3): only the client's
# library can be linked.
@test "every source compiles for musl, and the client's library links" {
	command -v musl-gcc >/dev/null || skip "no musl-gcc"
	local goals
	sources "$BATS_TEST_TMPDIR/source"
	musl_headers "$BATS_TEST_TMPDIR/include"
	cd "$BATS_TEST_TMPDIR/source"
	goals=$(make -n V=1 socks64-handler-static socks64 |
	    sed -n 's/.* -c -o \([^ ]*\.o\) .*/\1/p')
	[[ $(wc -l <<<"$goals") -gt 90 ]] || fail "few objects: $goals"
	# shellcheck disable=SC2086 # words
	make -s -j "$(nproc)" CC=musl-gcc WARNINGS='-Wall -Wextra -Werror' OPTIMIZE=-O0 \
	    CFLAGS="-isystem $BATS_TEST_TMPDIR/include" \
	    $goals libsocks64.so >"$BATS_TEST_TMPDIR/log" 2>&1 ||
	    fail "$(<"$BATS_TEST_TMPDIR/log")"
	run -0 readelf -dW libsocks64.so
	assert_match needed "$output" 'NEEDED.*\[libc\.so\]'
}
