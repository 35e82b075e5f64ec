/* SPDX-License-Identifier: ISC */
/*
 * What clients and servers often say, so that a script has it in one octet.
 */
#ifndef SOCKS64_FUZZ_PIECES_H
#define SOCKS64_FUZZ_PIECES_H

#include <stdbool.h>
#include <stddef.h>

enum { PIECES = 32 };

struct piece {
	bool server;
	size_t length;
	const char *octets;
};

extern const struct piece pieces[PIECES];

#endif
