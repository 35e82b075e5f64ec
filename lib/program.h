/* SPDX-License-Identifier: ISC */
/*
 * What a command is, and whether a library can be put in front of its calls.
 */
#ifndef SOCKS64_LIB_PROGRAM_H
#define SOCKS64_LIB_PROGRAM_H

#include <limits.h>
#include <stdbool.h>

#include "base/text.h"

enum program {
	PROGRAM_GOOD,
	PROGRAM_HELPLESS, /* `why` has a sentence about it */
	PROGRAM_MISSING,  /* errno: not there, or not to be executed */
};

/* Looks for the command in PATH, as execvp(3) does.  False: errno. */
bool program_find(const char *command, char path[PATH_MAX]);

/* Follows #! and reads the ELF file behind it.  `library`: the file of
 * libsocks64.so, for whose word size and processor it must be. */
enum program program_examine(const char *path, const char *library,
    struct text *why);

#endif
