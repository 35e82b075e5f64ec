/* SPDX-License-Identifier: ISC */
/*
 * hosts(5): ADDRESS NAME [ALIAS...], a line each.  It is read anew for every
 * look-up, and a line that we cannot read is nobody's error.
 */
#include "net/hosts.h"

#include <string.h>
#include <strings.h>

#include "net/words.h"

static bool
is_same_name(const char *word, const char *name)
{
	const size_t length = strlen(name);

	if (strncasecmp(word, name, length) != 0)
		return false;
	return word[length] == '\0' || strcmp(word + length, ".") == 0;
}

/* The rest of a line, its last word or end consumed. */
static bool
line_names(struct words *w, const char *name)
{
	char word[WORD_SIZE];

	for (;;) {
		const enum word what = words_next(w, word);

		if (what != WORD_TEXT)
			return false;
		if (is_same_name(word, name)) {
			words_skip_line(w);
			return true;
		}
	}
}

bool
hosts_find(int file, const char *name, struct answer *ipv6,
    struct answer *ipv4)
{
	struct answer found[2] = { { .state = ANSWER_NO_DATA },
		{ .state = ANSWER_NO_DATA } };
	struct words w;
	char word[WORD_SIZE];
	bool any = false;

	words_start(&w, file);
	for (;;) {
		const enum word what = words_next(&w, word);
		struct address address;

		if (what == WORD_NONE)
			break;
		if (what == WORD_LINE)
			continue;
		if (!address_parse(word, strlen(word), &address))
			words_skip_line(&w);
		else if (line_names(&w, name)) {
			answer_add(&found[address.family == FAMILY_IPV4],
			    &address);
			any = true;
		}
	}
	if (any) {
		*ipv6 = found[false];
		*ipv4 = found[true];
	}
	return any;
}
