#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# make outside: programs that nobody here wrote, each as tests/outside/programs
# says; tests/outside/table makes doc/clients.md's table of what came.
# OUTSIDE_ONLY=PATTERN tries some.

load ../lib/gateway
load outside
load reach

prepare_file() {
	outside_tree
	outside_prepare
}

# outside_tree: the files that servers hand out.
outside_tree() {
	local tree=$BATS_FILE_TMPDIR/tree
	mkdir -p "$tree/simple/tokens"
	"$TESTS/outside/servers.py" tokens $SHORT_TOKENS >"$tree/page"
	cp "$tree/page" "$tree/tokens.py"
	outside_repository "$tree"
	outside_packages "$tree"
	cat >"$tree/feed.xml" <<-END
		<?xml version="1.0"?>
		<rss version="2.0"><channel><title>f</title><link>http://f/</link>
		<description>f</description><item><title>tokens</title>
		<link>http://f/1</link><guid>1</guid>
		<description>$(cat "$tree/page")</description></item></channel></rss>
	END
}

# A repository that git reads by HTTP.
outside_repository() {
	git init -q "$1/tree"
	cp "$1/page" "$1/tree/page"
	git -C "$1/tree" add page
	git -C "$1/tree" -c user.name=a -c user.email=a@b commit -q -m one
	git clone -q --bare "$1/tree" "$1/repository"
	git -C "$1/repository" update-server-info
}

# What npm and pip ask registries for.
outside_packages() {
	local wheel=tokens-1.0-py3-none-any.whl
	printf '{"name": "%s", "description": "%s", "dist-tags": {"latest": "%s"},
	    "versions": {"1.0.0": {"name": "%s", "version": "%s",
	    "description": "%s", "dist": {"tarball": "http://t/t.tgz"}}}}\n' \
	    tokens "$(xargs <"$1/page")" 1.0.0 tokens 1.0.0 \
	    "$(xargs <"$1/page")" >"$1/tokens"
	(
		cd "$1"
		mkdir tokens-1.0.dist-info
		printf 'Metadata-Version: 2.1\nName: tokens\nVersion: 1.0\n' \
		    >tokens-1.0.dist-info/METADATA
		printf 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: %s\n' \
		    py3-none-any >tokens-1.0.dist-info/WHEEL
		printf 'tokens.py,,\n' >tokens-1.0.dist-info/RECORD
		"$PYTHON" -m zipfile -c "$wheel" tokens.py tokens-1.0.dist-info
	)
	echo "<a href=\"/$wheel\">$wheel</a>" >"$1/simple/tokens/index.html"
}

@test "programs of the command line" {
	outside_group command
}

@test "mail, chat and others that speak no HTTP" {
	outside_group mail
}

@test "libraries" {
	outside_group library
}

@test "wrappers, and servers that hand on to a gateway" {
	outside_group wrapper
}

@test "browsers" {
	outside_group browser
}
