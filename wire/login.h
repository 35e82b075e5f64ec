/* SPDX-License-Identifier: ISC */
/*
 * Username and password authentication (RFC 1929), the message of the client
 * and the answer.  Pure.
 */
#ifndef SOCKS64_WIRE_LOGIN_H
#define SOCKS64_WIRE_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/cursor.h"

enum { LOGIN_VERSION = 1, LOGIN_FIELD_MAX = 255, LOGIN_REPLY_SIZE = 2 };

/*
 * Octet strings of any content.  They are borrowed from the octets that the
 * cursor walks over, so that there is one place to wipe and no copy.
 */
struct login {
	const uint8_t *user;
	size_t user_length; /* 1 to 255 */
	const uint8_t *password;
	size_t password_length; /* 0 to 255: real clients send none */
};

/*
 * PARSE_DONE: *out is set and the cursor stands behind the message.
 * PARSE_BAD: another version, or no user name; the answer is a refusal.
 * Otherwise both are unchanged.
 */
enum parse login_parse(struct cursor *c, struct login *out);

/* VER STATUS; anything but granted is followed by the end of the
 * connection. */
void login_reply_format(bool granted, uint8_t octets[LOGIN_REPLY_SIZE]);

#endif
