/* SPDX-License-Identifier: ISC */
/*
 * The title in ps(1): arguments and environment lie behind one another in
 * memory, and the kernel reads on into the environment when the last octet
 * of the arguments is not NUL.
 */
#include "log/title.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

static char *area;
static size_t area_size;

/* Extends the area over one string, if that lies just behind it. */
static void
area_extend(char *string)
{
	if (string == area + area_size)
		area_size += strlen(string) + 1;
}

void
title_prepare(int argc, char **argv)
{
	if (argc < 1)
		return;
	area = argv[0];
	for (int i = 0; i < argc; i++)
		area_extend(argv[i]);
	for (char **variable = environ; *variable != NULL; variable++)
		area_extend(*variable);
}

void
title_set(const char *title)
{
	static char *nothing[] = { NULL };
	size_t length = strlen(title);

	if (area_size == 0)
		return;
	environ = nothing;
	if (length > area_size - 1)
		length = area_size - 1;
	memcpy(area, title, length);
	memset(area + length, '\0', area_size - length);
}
