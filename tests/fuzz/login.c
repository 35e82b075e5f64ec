/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a login message (RFC 1929): every strict prefix of a message
 * is MORE, the cursor moves on PARSE_DONE only, and the fields lie inside.
 */
#include <stdlib.h>

#include "wire/login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = { .at = data, .left = size };
	struct login login = { .user = NULL };
	const enum parse parse = login_parse(&c, &login);
	const size_t taken = size - c.left;

	if (parse != PARSE_DONE && (taken != 0 || login.user != NULL))
		abort();
	if (parse != PARSE_DONE)
		return 0;
	if (taken != 3 + login.user_length + login.password_length ||
	    login.user_length == 0 || login.user != data + 2 ||
	    login.password + login.password_length != data + taken)
		abort();
	for (size_t length = 0; length < taken; length++) {
		struct cursor less = { .at = data, .left = length };

		if (login_parse(&less, &login) != PARSE_MORE)
			abort();
	}
	return 0;
}
