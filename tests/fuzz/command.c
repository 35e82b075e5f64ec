/* SPDX-License-Identifier: ISC */
/*
 * The command line, whatever stands in it and in the configuration: -t, -T, -e
 * and their neighbours, in the machine of tests/fuzz/machine.
 *
 * The input: an octet for the mode, words up to an empty line, and the
 * configuration.
 */
#include <string.h>

#include "tests/fuzz/machine/machine.h"

enum { TEXT_MAX = 4096, WORDS_MAX = 4, WORD_MAX = 200 };

static const char *const modes[] = { "-t", "-T", "-e", "--print-sandbox", "-V",
	"-h", "-o", "-tt", "-eT", "--index=/etc/list", "-f", "--", "-x", "-t",
	"-T", "-e" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next word of the text, which is cut; NULL: an empty line or the end. */
static char *
next_word(char **text)
{
	char *word = *text;
	char *end = strchr(word, '\n');

	if (*word == '\0')
		return NULL;
	if (end == NULL)
		end = word + strlen(word);
	*text = *end == '\0' ? end : end + 1;
	*end = '\0';
	if (end - word > WORD_MAX)
		word[WORD_MAX] = '\0';
	return *word == '\0' ? NULL : word;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[TEXT_MAX];
	struct scenario s = { .hosts = "192.0.2.80 known.example\n",
		.resolv_conf = "nameserver 192.0.2.53\n",
		.arguments = { "-f", "/etc/socks64.conf" },
		.zone_answers = true,
		.has_table = true,
		.no_session = true };
	size_t count = 2;
	char *rest = text;

	if (size == 0 || size > TEXT_MAX)
		return 0;
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	s.as_root = (data[0] & 32) != 0;
	s.no_ipv6 = (data[0] & 64) != 0;
	s.arguments[count++] = modes[data[0] & 15];
	while (count < 3 + WORDS_MAX) {
		s.arguments[count] = next_word(&rest);
		if (s.arguments[count++] == NULL)
			break;
	}
	s.configuration = rest;
	machine_run(&s);
	return 0;
}
