/* SPDX-License-Identifier: ISC */
/*
 * The title in ps(1): arguments and environment lie behind one another in
 * memory, and the kernel reads on into the environment when the last octet
 * of the arguments is not NUL.
 */
#include "log/title.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

#define KEPT "NOTIFY_SOCKET"

static char *area;
static size_t area_size;

/* sd_notify(3) asks for it each time that there is something to tell. */
static char kept[sizeof(KEPT "=") + sizeof(struct sockaddr_un)];

static void
keep_variable(void)
{
	const char *value = getenv(KEPT);
	struct text t = text_in(kept, sizeof(kept));

	if (value == NULL)
		return;
	text_add(&t, KEPT "=");
	text_add(&t, value);
}

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
	keep_variable();
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
	static char *variables[] = { kept, NULL };
	size_t length = strlen(title);

	if (area_size == 0)
		return;
	environ = variables;
	if (length > area_size - 1)
		length = area_size - 1;
	memcpy(area, title, length);
	memset(area + length, '\0', area_size - length);
}
