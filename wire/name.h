/* SPDX-License-Identifier: ISC */
/*
 * Which octet strings are host names, and which are addresses in disguise
 * (RFC 1123 2.1, RFC 3089 3; the valid forms of a DOMAINNAME).  Pure.
 */
#ifndef SOCKS64_WIRE_NAME_H
#define SOCKS64_WIRE_NAME_H

#include <stddef.h>
#include <stdint.h>

#include "wire/address.h"

enum { NAME_LENGTH_MAX = 253 }; /* without the trailing dot */

enum name_kind {
	NAME_BAD,     /* neither */
	NAME_HOST,    /* a name to look up */
	NAME_LITERAL, /* an address, written as text */
};

/*
 * Classifies length octets.  NAME_HOST: `name` holds the name in lower case,
 * without trailing dot, NUL-terminated, 1 to 253 octets.  NAME_LITERAL:
 * `literal` is the address (2001:db8::80, [2001:db8::80], 192.0.2.1), its
 * port 0.  Else neither is touched.
 *
 * Bad are: empty or over-long names and labels, NUL, controls, blanks, octets
 * above 0x7e, `/ @ %`, zone ids, and whatever inet_aton() would take for an
 * address (127.1, 0x7f.1, 2130706433): a last label of digits or 0x...
 */
enum name_kind name_classify(const uint8_t *octets, size_t length,
    char name[NAME_LENGTH_MAX + 1], struct address *literal);

#endif
