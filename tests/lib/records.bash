# SPDX-License-Identifier: ISC
# The log of a running gateway, and its records (socks64-handler(8), LOG).
#
# shellcheck shell=bash

RECORD_FORM='(ok|reset|timeout|client-gone|denied|auth-failed|bad-request'\
'|not-socks|bad-proxy-header|handshake-timeout|resolve-failed'\
'|connect-failed|upstream-failed|stopped|error)'\
' client=[!-~]+ user=[!-~]+ auth=(none|password|unix|socks4|-) cmd=[!-~]+'\
' dest=[!-~]+ peer=[!-~]+ local=[!-~]+ up=[0-9]+ down=[0-9]+'\
' start=20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9]'\
'\.[0-9]{3}Z seconds=[0-9]+\.[0-9]{3}'\
'( datagrams=[0-9]+/[0-9]+/[0-9]+)?( [a-z-]+=[!-~]+)*( reason="[ -~]*")?'

# record_of CLIENT: waits for the record of the session of CLIENT
# (ADDRESS:PORT) and prints it, from its RESULT on.
record_of() {
	local line
	wait_for_line "$GATEWAY_LOG" "[ >]client=${1//[\[\]]/.} " || return 1
	line=$(grep -F -- " client=$1 " "$GATEWAY_LOG")
	[[ $line != *$'\n'* ]] || fail "more than one record:" "$line" ||
	    return 1
	[[ $line =~ (^|[ \>])($RECORD_FORM)$ ]] ||
	    fail "not the form of socks64-handler(8), LOG:" "$line" || return 1
	echo "${BASH_REMATCH[2]}"
}

# assert_record LINE RESULT [KEY=VALUE]...: the values are compared exactly;
# reason=PATTERN is an extended regular expression.
assert_record() {
	local record=$1 pair got
	[[ $record == "$2 "* ]] || fail "not $2:" "$record" || return 1
	shift 2
	for pair; do
		if [[ $pair == reason=* ]]; then
			[[ $record =~ reason=\"(.*)\"$ ]] ||
			    fail "no reason:" "$record" || return 1
			assert_match "$record" "${BASH_REMATCH[1]}" \
			    "${pair#*=}" || return 1
			continue
		fi
		got=$(value "${pair%%=*}" "$record") || return 1
		assert_equal "${pair%%=*} in: $record" "$got" \
		    "${pair#*=}" || return 1
	done
}
