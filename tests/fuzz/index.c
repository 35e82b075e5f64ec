/* SPDX-License-Identifier: ISC */
/*
 * Any octets as the index of a list.  Nothing outside of it is read, and what
 * is looked up is answered, in time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/array.h"
#include "policy/index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
look_up_all(const struct index *index)
{
	static const char *const words[] = { "a.example", ".example",
		"www.a.example", "name", "literal", ".", "" };
	static const struct net nets[] = {
		{ { 192, 0, 2 }, FAMILY_IPV4, 24 },
		{ { 0x20, 1, 0xd, 0xb8 }, FAMILY_IPV6, 32 },
		{ { [15] = 1 }, FAMILY_IPV6, 128 },
	};
	bool hidden;

	for (size_t i = 0; i < ARRAY_COUNT(words); i++)
		(void)index_has_word(index, words[i], strlen(words[i]));
	for (size_t i = 0; i < ARRAY_COUNT(nets); i++)
		(void)index_has_net(index, &nets[i]);
	(void)index_check(index, nets, ARRAY_COUNT(nets), &hidden);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct index index;
	const int fd = memfd_create("index", 0);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (index_load(&index, fd))
		look_up_all(&index);
	close(fd);
	return 0;
}
