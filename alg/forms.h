/* SPDX-License-Identifier: ISC */
/*
 * The six ways in which FTP writes where a data connection goes: PORT and 227
 * (RFC 959), EPRT and 229 (RFC 2428), LPRT and 228 (RFC 1639).  Texts to
 * addresses and back.  Pure: a name is never looked up.
 *
 * Numbers are decimal, without a sign, in their range, or the whole is bad;
 * nothing is masked.  Port 0 is bad.  Parsers leave *out as it is unless they
 * return FORM_DONE.
 */
#ifndef SOCKS64_ALG_FORMS_H
#define SOCKS64_ALG_FORMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "wire/address.h"

enum form {
	FORM_BAD,
	FORM_FAMILY, /* well-formed, but of neither IPv4 nor IPv6 */
	FORM_DONE,
};

/* Read the argument of a command: all of `text`, but for blanks at its end,
 * is the form. */
enum form form_port_parse(const uint8_t *text, size_t length,
    struct address *out);
enum form form_eprt_parse(const uint8_t *text, size_t length,
    struct address *out);
enum form form_lprt_parse(const uint8_t *text, size_t length,
    struct address *out);

/*
 * Read the text of a reply, behind its code.  227 and 228 are the first
 * numbers that can be them, with or without parentheses (RFC 1123 4.1.2.6);
 * 229 is in the first parentheses that can be it.  *port is in host byte
 * order, never 0.
 */
enum form form_227_parse(const uint8_t *text, size_t length,
    struct address *out);
enum form form_228_parse(const uint8_t *text, size_t length,
    struct address *out);
enum form form_229_parse(const uint8_t *text, size_t length, uint16_t *port);

/* Appends 192,0,2,9,195,80, for PORT and 227; the address is IPv4. */
void form_port_add(struct text *t, const struct address *a);

/* Appends |2|2001:db8::9|50000|, for EPRT. */
void form_eprt_add(struct text *t, const struct address *a);

/* Appends 6,16,32,1,...,2,195,80, for LPRT and 228.  An IPv4 address becomes
 * 4,4,... or, where `mapped` says so, the IPv6 address ::ffff:a.b.c.d. */
void form_lprt_add(struct text *t, const struct address *a, bool mapped);

/* Appends |||50000|, for 229. */
void form_229_add(struct text *t, uint16_t port);

#endif
