/* SPDX-License-Identifier: ISC */
/*
 * Username and password, RFC 1929 2.  Pure: it never looks into the two
 * fields, and keeps nothing.
 */
#include "wire/login.h"

enum { STATUS_GRANTED = 0, STATUS_REFUSED = 1 };

/* VER=01 ULEN UNAME PLEN PASSWD */
enum parse
login_parse(struct cursor *c, struct login *out)
{
	struct cursor walk = *c;
	struct login login;

	const uint8_t version = cursor_u8(&walk);
	if (walk.starved)
		return PARSE_MORE;
	if (version != LOGIN_VERSION)
		return PARSE_BAD;
	login.user_length = cursor_u8(&walk);
	if (walk.starved)
		return PARSE_MORE;
	if (login.user_length == 0)
		return PARSE_BAD;
	login.user = cursor_take(&walk, login.user_length);
	login.password_length = cursor_u8(&walk);
	login.password = cursor_take(&walk, login.password_length);
	if (walk.starved)
		return PARSE_MORE;
	*out = login;
	*c = walk;
	return PARSE_DONE;
}

void
login_reply_format(bool granted, uint8_t octets[LOGIN_REPLY_SIZE])
{
	octets[0] = LOGIN_VERSION;
	octets[1] = granted ? STATUS_GRANTED : STATUS_REFUSED;
}
