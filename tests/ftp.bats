#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# FTP between families: dialogues with a scripted server and client, and what
# the sessions of one client know of each other.

load lib/common

setup_file() {
	make -s -C "$BATS_TEST_DIRNAME/.." build/tests/ftp build/tests/table \
	    build/replay/ftp-line build/replay/ftp-forms \
	    build/replay/ftp-dialogue build/fuzz/vectors/ftp-dialogue.made
}

setup() {
	cd "$ROOT"
}

# says COMMAND...: it has nothing to complain of.
says_nothing() {
	run alone "$@"
	[[ $status -eq 0 ]] || fail "$output"
}

@test "the dialogues of tests/vectors/ftp" {
	says_nothing "$CASES/ftp.py" "$HANDLER" whole tests/vectors/ftp/*
}

# Thousands of octets one by one take long, and say nothing more.
@test "the same dialogues but the long ones, octet by octet" {
	local file
	local -a short=()
	for file in tests/vectors/ftp/*; do
		[[ $file == */long-* ]] || short+=("$file")
	done
	says_nothing "$CASES/ftp.py" "$HANDLER" octets "${short[@]}"
}

@test "the same dialogues with the static link" {
	says_nothing "$CASES/ftp.py" "$HANDLER_STATIC" whole tests/vectors/ftp/*
}

@test "lines, forms, commands and replies, cut at every octet" {
	says_nothing build/tests/ftp
}

@test "the fuzz targets of lines and address forms hold on their corpora" {
	build/replay/ftp-line tests/fuzz/corpus/ftp-line
	build/replay/ftp-forms tests/fuzz/corpus/ftp-forms
}

@test "the fuzz target of whole dialogues holds on those of tests/vectors/ftp" {
	build/replay/ftp-dialogue build/fuzz/vectors/ftp-dialogue \
	    tests/fuzz/corpus/ftp-dialogue
}

@test "allow port 21 is enough for a whole session, and for nothing else" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" port-alone
}

@test "an announced data connection is for one connection of that client" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" one-use
	says_nothing "$CASES/ftp-data.py" "$HANDLER" other-user
}

@test "an announcement is no permit: the rules judge it again, now" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" judged-again
}

@test "what another process writes into the table opens nothing" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" forged
}

@test "an alias is for its client, and leads to the server" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" alias
}

@test "an announced port of the gateway's address is the server's" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" own-address
}

@test "a name stays where its control connection is, though DNS moves" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" pinned
}

@test "no service is a data port, and this gateway is none" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" services
}

@test "what looks like FTP on another port announces nothing" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" other-port
}

@test "active mode leads to no port of this host that no rule opens" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" forwarder
}

@test "BIND: PORT and EPRT name it, and only the server may connect" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" bind
}

@test "a data connection that cannot be taken for want of a descriptor is closed" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" no-descriptor
}

@test "without a descriptor to listen with it is the gateway that is blamed" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" no-listener
}

@test "listen-ports and advertise bind hold for what is announced" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" advertised
}

@test "interface, mark and a rule's source hold for what listens for servers" {
	need networks net-admin
	says_nothing "$CASES/ftp-steered.py" "$HANDLER" interface
	says_nothing "$CASES/ftp-steered.py" "$HANDLER" mark
	says_nothing "$CASES/ftp-steered.py" "$HANDLER" rule
}

@test "active mode leads to no client on a link where a rule denies that" {
	need networks net-admin
	says_nothing "$CASES/ftp-steered.py" "$HANDLER" on-link
}

@test "all that was read arrives behind AUTH, where nothing is dialled" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" transparent
}

@test "what is no FTP, behind the request at once, is relayed at once" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" early
}

@test "behind AUTH the control connection is known, and not where it is refused" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" auth-known
}

@test "a transfer that ended leaves no descriptor open" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" given-back
}

@test "a transfer that runs ends before AUTH, and keeps a session alive" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" transfer-auth
	says_nothing "$CASES/ftp-data.py" "$HANDLER" transfer-idle
	says_nothing "$CASES/ftp-data.py" "$HANDLER" transfer-paused
}

@test "the end of a transfer is told when the client has its data" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" overtaken
	says_nothing "$CASES/ftp-data.py" "$HANDLER" not-overtaken
}

@test "no more transfers at once than there is room for, and slow clients" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" too-many
	says_nothing "$CASES/ftp-data.py" "$HANDLER" slow-reader
}

@test "a client that ends behind what nobody reads is noticed" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" ended-behind
}

@test "without a table the rules decide, and the record says what is missing" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" no-table
}

@test "a table that is cut short under a session is told, and done without" {
	says_nothing "$CASES/ftp-data.py" "$HANDLER" truncated
	says_nothing "$CASES/ftp-data.py" "$HANDLER_STATIC" truncated
}
