# SPDX-License-Identifier: ISC
# The four types of RFC 3089: which client talks to which server.
#
#	A  IPv4 to IPv4    B  IPv4 to IPv6    C  IPv6 to IPv4    D  IPv6 to IPv6
#
# shellcheck shell=bash

TYPES='A B C D'

# use_type TYPE: sets CLIENT (role), GATEWAY (the address that it reaches),
# SERVER (address), SERVER_ROLE and SERVER_NAME.
use_type() {
	case $1 in
	[AB]) CLIENT=c4 GATEWAY=$GW4 ;;
	[CD]) CLIENT=c6 GATEWAY=$GW6 ;;
	esac
	case $1 in
	[AC]) SERVER=$S4 SERVER_ROLE=s4 SERVER_NAME=v4.example.com ;;
	[BD]) SERVER=$S6 SERVER_ROLE=s6 SERVER_NAME=v6.example.com ;;
	esac
}

# endpoint ADDRESS PORT: as records write it.
endpoint() {
	[[ $1 == *:* ]] && echo "[$1]:$2" || echo "$1:$2"
}

same_family() {
	[[ $1 == *:*:* && $2 == *:*:* ]] || [[ $1 != *:*:* && $2 != *:*:* ]]
}

# The way an address was asked for: name, literal (a text in DOMAINNAME), ip.
# ask FORM: sets AS and TARGET.
ask() {
	case $1 in
	name) AS=name TARGET=$SERVER_NAME ;;
	literal) AS=name TARGET=$SERVER ;;
	ip) AS=ip TARGET=$SERVER ;;
	esac
}
