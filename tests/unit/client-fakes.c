/* SPDX-License-Identifier: ISC */
/*
 * The table of fake addresses under many writers.
 *
 *   client-fakes WRITERS NAMES
 *
 * Each writer is a process that enters so many names, and looks up numbers
 * that it was given before: what it finds is the name that it had entered, or
 * nothing.  The parent then asks for numbers that nobody was given.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "lib/fakes.h"
#include "lib/real.h"

enum { REMEMBERED = 4096 };

static struct handover settings;

static void
name_for(char name[NAME_LENGTH_MAX + 1], unsigned writer, unsigned i)
{
	struct text t = text_in(name, NAME_LENGTH_MAX + 1);

	text_add(&t, "n");
	text_add_number(&t, i);
	text_add(&t, ".w");
	text_add_number(&t, writer);
	text_add(&t, ".example");
	while (i % 7 == 0 && t.length < NAME_LENGTH_MAX)
		text_add_char(&t, 'e');
}

/* How many of the numbers had still their name; an exit where one had
 * another's. */
static unsigned
look_up(const uint32_t *numbers, unsigned writer, unsigned up_to)
{
	char wanted[NAME_LENGTH_MAX + 1];
	char found[NAME_LENGTH_MAX + 1];
	unsigned count = 0;

	for (unsigned i = up_to < REMEMBERED ? 0 : up_to + 1 - REMEMBERED;
	     i < up_to; i += 97) {
		name_for(wanted, writer, i);
		if (!fakes_name(numbers[i % REMEMBERED], found))
			continue;
		if (strcmp(found, wanted) != 0) {
			printf("%u is %s, and was %s\n",
			    numbers[i % REMEMBERED], found, wanted);
			exit(1);
		}
		count++;
	}
	return count;
}

static void
write_names(unsigned writer, unsigned names, int report)
{
	static uint32_t numbers[REMEMBERED];
	char name[NAME_LENGTH_MAX + 1];
	unsigned found = 0;

	for (unsigned i = 0; i < names; i++) {
		name_for(name, writer, i);
		numbers[i % REMEMBERED] = fakes_number(name);
		if (numbers[i % REMEMBERED] == 0)
			exit(2);
		if (i % 1000 == 0)
			found += look_up(numbers, writer, i);
	}
	found += look_up(numbers, writer, names);
	if (write(report, &found, sizeof(found)) != sizeof(found))
		exit(3);
	exit(0);
}

/* A name keeps its number; both its addresses lead to it. */
static void
check_one(void)
{
	char found[NAME_LENGTH_MAX + 1];
	uint32_t number;
	const uint32_t first = fakes_number("first.example");

	for (int family = FAMILY_IPV4; family <= FAMILY_IPV6; family++) {
		const struct address a = fakes_address(&settings,
		    (enum family)family, first);

		if (!fakes_number_of(&settings, &a, &number) ||
		    number != first || !fakes_name(number, found) ||
		    strcmp(found, "first.example") != 0)
			exit(4);
	}
	if (first != 1 || fakes_number("first.example") != 1 ||
	    fakes_number("second.example") != 2 || fakes_name(3, found) ||
	    fakes_name(0, found) || fakes_name(UINT32_MAX, found))
		exit(5);
}

int
main(int argc, char **argv)
{
	const unsigned writers = argc > 1 ? (unsigned)atol(argv[1]) : 1;
	const unsigned names = argc > 2 ? (unsigned)atol(argv[2]) : 1000;
	unsigned total = 0;
	uint64_t inode;
	int report[2];

	real_load();
	(void)fake_net_parse("240.0.0.0/4", 11, &settings.fake_ipv4);
	(void)fake_net_parse("2001:2::/48", 11, &settings.fake_ipv6);
	if (fakes_create(&settings, 0, &inode) == -1 || pipe(report) == -1)
		return 2;
	check_one();
	for (unsigned w = 0; w < writers; w++)
		if (fork() == 0)
			write_names(w, names, report[1]);
	for (unsigned w = 0; w < writers; w++) {
		int status;
		unsigned found;

		if (wait(&status) == -1 || status != 0 ||
		    read(report[0], &found, sizeof(found)) != sizeof(found))
			return 1;
		total += found;
	}
	printf("%u names, %u found\n", writers * names, total);
	return total > 0 ? 0 : 1;
}
