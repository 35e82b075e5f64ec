/* SPDX-License-Identifier: ISC */
/*
 * Nets, and what rules and directives say of where connections come from, from
 * text.
 */
#ifndef SOCKS64_POLICY_NETS_H
#define SOCKS64_POLICY_NETS_H

#include <stdbool.h>

#include "policy/origin.h"
#include "policy/reader.h"
#include "policy/sets.h"

/* ADDRESS or ADDRESS/BITS in canonical form; IPv4-mapped is IPv4.  False:
 * the error was reported. */
bool net_parse(struct reader *r, const char *text, struct net *out);

/*
 * `source': an address, or, with `nets', a net of IPv6, too.  One of a family
 * that has a source already is an error.  False: the error was reported.
 */
bool source_parse(struct reader *r, const char *word, bool nets,
    struct origin *out);

/* `mark': 0 to 4294967295, or hexadecimal behind 0x.  False: the same. */
bool mark_parse(struct reader *r, const char *word, struct origin *out);

#endif
