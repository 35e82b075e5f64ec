/* SPDX-License-Identifier: ISC */
/*
 * Times of the configuration, from text and back, by one table of units.
 */
#include "policy/duration.h"

#include <string.h>

#include "base/array.h"
#include "base/number.h"

static const struct {
	char word[4];
	int64_t milliseconds;
} units[] = {
	{ "d", 24 * 60 * 60 * 1000 },
	{ "h", 60 * 60 * 1000 },
	{ "min", 60 * 1000 },
	{ "m", 60 * 1000 },
	{ "s", 1000 },
	{ "", 1000 },
	{ "ms", 1 },
};

void
duration_add(struct text *t, int64_t time)
{
	size_t i = 0;

	if (time == 0) {
		text_add(t, "0");
		return;
	}
	while (time % units[i].milliseconds != 0)
		i++;
	text_add_number(t, (uint64_t)(time / units[i].milliseconds));
	text_add(t, units[i].word);
}

bool
duration_parse(const char *word, int64_t highest, int64_t *out)
{
	const char *unit = word + strspn(word, "0123456789");
	char digits[20];
	uint64_t number;
	const size_t length = (size_t)(unit - word);
	const bool fits = length < sizeof(digits);

	if (length == 0)
		return false;
	memcpy(digits, word, fits ? length : 0);
	digits[fits ? length : 0] = '\0'; /* no number at all */
	for (size_t i = 0; i < ARRAY_COUNT(units); i++) {
		if (strcmp(unit, units[i].word) != 0)
			continue;
		*out = highest + 1;
		if (number_parse(digits,
			(uint64_t)(highest / units[i].milliseconds), &number))
			*out = (int64_t)number * units[i].milliseconds;
		return true;
	}
	return false;
}
