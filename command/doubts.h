/* SPDX-License-Identifier: ISC */
/*
 * What -t doubts of rules that are right by their syntax: they do less, or
 * more, than who wrote them may have meant.
 */
#ifndef SOCKS64_COMMAND_DOUBTS_H
#define SOCKS64_COMMAND_DOUBTS_H

#include "policy/rules.h"
#include "policy/settings.h"

/* Is told a rule, and what is doubtful about it as a sentence. */
typedef void doubts_tell(void *context, const struct rule *rule,
    const char *sentence);

/*
 * Tells of: rules of which none allows anything, or none reaches a global
 * address; one that never matches, for another one above it is wider or a
 * list of it is empty; the first one that serves whoever can reach the
 * gateway.  The built-in rules are not looked at.
 */
void doubts_find(const struct settings *settings, doubts_tell *tell,
    void *context);

#endif
