# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# What makes and uses roots of Debian (releases, cross, cross-vm, debian) has
# in common.

# mirror: from where this machine has its own packages.
mirror() {
	# shellcheck disable=SC2016 # for apt-get
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
	    'Component: main' 'Origin: Debian' 'Label: Debian' | head -n 1
}

# copy_sources DIRECTORY: what git knows or would add, or all but what was
# built.  What was in DIRECTORY goes.
copy_sources() {
	rm -rf "$1"
	mkdir -p "$1"
	{
		git ls-files --cached --others --exclude-standard \
		    2>/dev/null || find . -path ./build -prune -o \
		    -path ./.git -prune -o -type f -print
	} | tar -c -T - | tar -x -C "$1"
}

# needed_to_build: the packages that `make' needs, a line each.
needed_to_build() {
	sed -n 's/^	build \([^ ]*\) .*/\1/p' tests/install-missing
}
