/* SPDX-License-Identifier: ISC */
/*
 * Any text as SOCKS64: what is taken is written again, and that is taken, too,
 * and written the same.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct handover h;
	char text[HANDOVER_TEXT];
	char first[2 * HANDOVER_TEXT];
	char second[2 * HANDOVER_TEXT];

	if (size >= sizeof(text))
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (!handover_read(text, &h))
		return 0;
	struct text t = text_in(first, sizeof(first));
	handover_write(&t, &h);
	if (!handover_read(first, &h))
		abort();
	t = text_in(second, sizeof(second));
	handover_write(&t, &h);
	if (strcmp(first, second) != 0)
		abort();
	return 0;
}
