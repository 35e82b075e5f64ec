/* SPDX-License-Identifier: ISC */
/*
 * The file of the association table, as another process may have written it:
 * every operation of each kind, over any content.  Nothing may be read or
 * written out of bounds, and what is found is a valid address, name, number.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/wait.h"
#include "share/announced.h"
#include "share/binds.h"
#include "share/controls.h"
#include "share/ids.h"
#include "share/layout.h"

/* So many slots at the beginning get octets of the input. */
enum { FILLED = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(int holds)
{
	if (!holds)
		abort();
}

static struct table *
table_of(void)
{
	static struct table t = { .fd = -1 };

	if (t.file != NULL)
		return &t;
	t.fd = memfd_create("table", MFD_CLOEXEC);
	check(t.fd != -1 && ftruncate(t.fd, TABLE_FILE_SIZE) == 0);
	t.file = mmap(NULL, TABLE_FILE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, t.fd, 0);
	check(t.file != MAP_FAILED);
	t.directory = t.fd; /* locks are all that it is for */
	return &t;
}

/* The input is the top of the table and then slot by slot; the first octet of
 * each slot's part says whether the share of this test owns it, and whether it
 * lives. */
static void
fill(struct table_file *file, const struct slot_owner *owner,
    const uint8_t *data, size_t size)
{
	uint32_t top = 0;

	memset(file->slots, 0, FILLED * sizeof(file->slots[0]));
	memcpy(&top, data, size < sizeof(top) ? size : sizeof(top));
	file->header.top = top;
	for (size_t i = 0, at = sizeof(top); i < FILLED && at < size; i++) {
		size_t length = sizeof(struct slot);
		const uint8_t own = data[at++];

		if (length > size - at)
			length = size - at;
		memcpy(file->slots[i].octets, data + at, length);
		if ((own & 1) != 0)
			file->slots[i].slot.body.owner = *owner;
		if ((own & 2) != 0)
			file->slots[i].slot.body.expires_at = clock_now() +
			    1000;
		at += length;
	}
}

static void
check_address(const struct address *a)
{
	check(a->family == FAMILY_NONE || a->family == FAMILY_IPV4 ||
	    a->family == FAMILY_IPV6);
}

static void
find_all(const struct share *share, uint32_t number,
    const struct address *address)
{
	struct table_control control;
	struct table_target target;
	struct table_bind bind;
	struct address to;

	if (ids_find(share, number, &target) == TABLE_OK) {
		check(target.count <= ID_ADDRESSES_MAX);
		check(strlen(target.name) <= NAME_LENGTH_MAX);
		for (size_t i = 0; i < target.count; i++)
			check_address(&target.addresses[i]);
	}
	if (controls_by_name(share, "a", &control) == TABLE_OK)
		check(strlen(control.name) <= NAME_LENGTH_MAX);
	if (controls_by_address(share, address, &control) == TABLE_OK)
		check_address(&control.server);
	if (announced_at_port(share, (uint16_t)number, &to) == TABLE_OK)
		check_address(&to);
	(void)announced_take(share, address);
	(void)binds_find(share, address, &bind);
}

static void
make_all(const struct share *share, uint32_t number,
    const struct address *address)
{
	struct table_handle handle = { number % (FILLED + 1), number };
	const struct table_control control = { .name = "a",
		.server = *address };
	const struct table_target target = { .name = "a",
		.count = 1,
		.addresses = { *address } };
	const struct table_bind bind = { .told = *address };
	uint32_t id = 0;

	if (ids_make(share, &target, &id) == TABLE_OK)
		check(id <= 0xffffff);
	(void)controls_put(share, &control, &handle);
	(void)announced_put(share, address, &handle);
	(void)binds_put(share, &bind, number);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *t = table_of();
	const struct share share = { .table = t, .auth = "none" };
	const struct slot_owner owner = { .auth = "none" };
	const uint8_t octets[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	const struct address address = address_ipv6(octets, 50000);
	uint32_t number = 0;

	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	fill(t->file, &owner, data, size);
	find_all(&share, number, &address);
	make_all(&share, number, &address);
	find_all(&share, number, &address);
	return 0;
}
