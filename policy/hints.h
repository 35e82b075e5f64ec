/* SPDX-License-Identifier: ISC */
/*
 * What to write instead of the words that other servers have for the same.
 */
#ifndef SOCKS64_POLICY_HINTS_H
#define SOCKS64_POLICY_HINTS_H

/* For a keyword of Dante, microsocks or 3proxy, with or without its colon:
 * what is written here, as the end of a sentence.  NULL: we know of none. */
const char *hint_keyword(const char *keyword);

/* The number of a port that has that name; NULL: none of the usual ones. */
const char *hint_port(const char *name);

#endif
