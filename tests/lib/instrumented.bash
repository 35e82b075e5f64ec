# SPDX-License-Identifier: ISC
# A copy of the tree, built with instruments: what coverage and sanitized have
# in common.
#
# The instruments open files and map memory, which the sandbox would not let
# the handler do, and write at exit, which _exit(2) and execve(2) forget.  So
# this build's sandbox is entered in name only, and before_exit() of the
# caller's hooks runs before both.
#
# shellcheck shell=bash

# instrumented_copy NAME: the tree without build/ and .git, to build/NAME.
instrumented_copy() {
	local copy=$PWD/build/$1
	rm -rf "$copy"
	mkdir -p "$copy/build"
	{
		git ls-files --cached --others --exclude-standard 2>/dev/null ||
		    find . -name build -prune -o -name .git -prune -o -type f -print
	} | while read -r file; do
		[[ ! -f $file ]] || echo "$file"
	done | tar -c -T - | tar -x -C "$copy"
}

# instrumented_build NAME HOOKS OPTIMIZE [OBJECT [ARGUMENT]...]: builds the
# handler of build/NAME, with the C text HOOKS, which defines before_exit(), and
# an object beside it; or what the arguments tell make.
instrumented_build() {
	local copy=$PWD/build/$1 object=${4:-}
	cat - >"$copy/build/hooks.c" <<-END
		#include <stddef.h>
		#include <sys/stat.h>
		#include <unistd.h>
		static void before_exit(void);
		int __real_execve(const char *, char *const *, char *const *);
		int __wrap_execve(const char *, char *const *, char *const *);
		_Noreturn void __real__exit(int);
		_Noreturn void __wrap__exit(int);
		const char *__wrap_sandbox_enter(int);
		const char *__wrap_sandbox_rehearse(int *);
		$2
		_Noreturn void
		__wrap__exit(int status)
		{
			before_exit();
			__real__exit(status);
		}
		/* What is executed has the umask that the handler had, and its
		 * environment, to which before_exit() may add. */
		int
		__wrap_execve(const char *path, char *const *words,
		    char *const *environment)
		{
			const _Bool own = environment == environ;
			const mode_t mask = umask(0);
			before_exit();
			umask(mask);
			return __real_execve(path, words,
			    own ? environ : environment);
		}
		const char *
		__wrap_sandbox_enter(int stage)
		{
			(void)stage;
			return NULL;
		}
		const char *
		__wrap_sandbox_rehearse(int *call)
		{
			(void)call;
			return NULL;
		}
	END
	gcc -D_GNU_SOURCE -c -o "$copy/build/hooks.o" "$copy/build/hooks.c"
	local wraps=-Wl,--wrap=_exit,--wrap=execve,--wrap=sandbox_enter
	wraps+=,--wrap=sandbox_rehearse
	[[ $# -gt 4 ]] || set -- "$1" "$2" "$3" "$object" socks64-handler
	make --no-print-directory -C "$copy" -s -j "$(nproc)" "${@:5}" \
	    OPTIMIZE="$3" HARDEN=-fPIE FORTIFY= WARNINGS= \
	    LDFLAGS="$wraps $copy/build/hooks.o $object"
	# The user that the handler becomes writes there, too.
	find "$copy" -type d -exec chmod 777 {} +
}

# is_left NAME SUITE.bats: does the whole suite tell nothing there?
is_left() {
	local name suite title
	while read -r name suite title; do
		# shellcheck disable=SC2053 # a pattern
		[[ $name == "$1" && $2 == $suite && $title == '*'* ]] &&
		    return 0
	done <tests/instrumented.left
	return 1
}

# instrumented_suite NAME SUITE.bats: runs it over the handler of build/NAME;
# prints what fails and is not expected to (tests/instrumented.left), and
# returns 1 if anything did.
instrumented_suite() {
	local copy=$PWD/build/$1 name=$1 file=$2 number title
	local said status=0 failures="" began=$SECONDS
	said=$(BATS_TEST_TIMEOUT=900 HANDLER=$copy/socks64-handler \
	    HANDLER_STATIC=$copy/socks64-handler \
	    bats --formatter tap "$file" </dev/null) || status=$?
	while read -r _ _ number title; do
		grep -qxF "$name ${file#tests/} $title" \
		    <(sed 's/[[:blank:]]*#.*//' tests/instrumented.left) ||
		    failures+="not ok $number $title"$'\n'
	done < <(grep '^not ok' <<<"$said")
	[[ $status -eq 0 || $said == *$'\n'"not ok "* ]] ||
	    failures+="not ok: its end, with status $status"$'\n'
	printf '# %s: %d tests, %d s\n%s' "$file" \
	    "$(grep -Ec '^(not )?ok' <<<"$said")" $((SECONDS - began)) "$failures"
	[[ -z $failures ]]
}

# instrumented_suites NAME [SUITE.bats]...: runs them, or all that tell
# something, as many at once as there are processors; returns 1 if anything
# fails that is not expected to.
instrumented_suites() {
	local name=$1 file status=0 running=0
	shift
	if [[ $# -eq 0 ]]; then
		for file in tests/*.bats; do
			is_left "$name" "${file#tests/}" || set -- "$@" "$file"
		done
	fi
	for file; do
		if ((running == $(nproc))); then
			wait -n || status=1
			running=$((running - 1))
		fi
		instrumented_suite "$name" "$file" &
		running=$((running + 1))
	done
	for ((; running > 0; running--)); do
		wait -n || status=1
	done
	return "$status"
}
