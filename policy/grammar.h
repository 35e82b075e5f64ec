/* SPDX-License-Identifier: ISC */
/*
 * The grammar of rules and of the lists in them (socks64.conf(5), Rules).
 */
#ifndef SOCKS64_POLICY_GRAMMAR_H
#define SOCKS64_POLICY_GRAMMAR_H

#include "policy/reader.h"
#include "policy/rules.h"
#include "wire/name.h"

enum { NAME_WORD_SIZE = 1 + NAME_LENGTH_MAX + 1 };

/* A name or .DOMAIN in canonical form.  False: the error was reported. */
bool name_parse(struct reader *r, const char *entry,
    char word[NAME_WORD_SIZE]);

typedef void list_entry(struct reader *r, char *entry, void *context);

/*
 * Gives each entry of a line of a list file to `take`: blanks and commas
 * separate them, a comment ends them.  The address in front of names, as in
 * hosts(5), is none.
 */
void list_line_parse(struct reader *r, char *line, list_entry *take,
    void *context);

/* PORT or LOW-HIGH; the error says that `text` is none. */
bool port_range_parse(struct reader *r, const char *text,
    struct port_range *out);

/*
 * Adds the entries of a list, separated by commas, to *out: nets, sets,
 * @FILE.  allowed: the sets that make sense.  `text` is cut into pieces.
 */
void net_list_parse(struct reader *r, char *text, unsigned allowed,
    struct net_list *out);

/*
 * Reads what stands behind `allow` or `deny` and appends the rule.  `text` is
 * cut into pieces.  On an error nothing is appended.
 */
void rule_parse(struct reader *r, enum decision decision, char *text,
    struct policy *policy);

/* Finishes a configuration that was read to its end: reports nets that can
 * never match, and adds the default rules where there is no rule. */
void grammar_finish(struct reader *r, struct policy *policy);

#endif
