/* SPDX-License-Identifier: ISC */
/*
 * The file of the association table, as another process may have written it:
 * every operation of each kind, over any content.  Nothing may be read or
 * written out of bounds (the pages beside the table are nobody's, and slots
 * above `top' are left alone), what is found is a valid address, name, number,
 * and no answer is one to another share.
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
#include "share/places.h"
#include "wire/name.h"

/* So many slots get octets of the input, one in STRIDE. */
enum { FILLED = 16, STRIDE = 5, PAGE = 4096 };

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
	uint8_t *walls;

	if (t.file != NULL)
		return &t;
	t.fd = memfd_create("table", MFD_CLOEXEC);
	check(t.fd != -1 && ftruncate(t.fd, TABLE_FILE_SIZE) == 0);
	walls = mmap(NULL, TABLE_FILE_SIZE + 2 * PAGE, PROT_NONE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	check(walls != MAP_FAILED);
	t.file = mmap(walls + PAGE, TABLE_FILE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_FIXED, t.fd, 0);
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

	memset(file->slots, 0, FILLED * STRIDE * sizeof(file->slots[0]));
	memcpy(&top, data, size < sizeof(top) ? size : sizeof(top));
	file->header.top = top;
	for (size_t i = 0, at = sizeof(top); i < FILLED && at < size; i++) {
		size_t length = sizeof(struct slot);
		const uint8_t own = data[at++];

		if (length > size - at)
			length = size - at;
		struct slot *slot = &file->slots[i * STRIDE].slot;

		memcpy(slot, data + at, length);
		if ((own & 1) != 0)
			slot->body.owner = *owner;
		if ((own & 2) != 0)
			slot->body.expires_at = clock_now() + 1000;
		if ((own & 4) != 0)
			atomic_store(&slot->kind, own >> 3);
		at += length;
	}
}

static void
check_address(const struct address *a)
{
	check(a->family == FAMILY_NONE || a->family == FAMILY_IPV4 ||
	    a->family == FAMILY_IPV6);
}

/* Rules compare it as it is. */
static void
check_name(const char *name)
{
	char canonical[NAME_LENGTH_MAX + 1];
	struct address literal;

	check(*name == '\0' ||
	    (name_classify((const uint8_t *)name, strlen(name), canonical,
		 &literal) == NAME_HOST &&
		strcmp(canonical, name) == 0));
}

/* What a target says is one of this share's. */
static void
find_id(const struct share *share, uint32_t number,
    const struct address *address)
{
	struct table_target target;

	if (ids_find(share, number, &target) == TABLE_OK) {
		check(target.count <= ID_ADDRESSES_MAX);
		check_name(target.name);
		for (size_t i = 0; i < target.count; i++)
			check_address(&target.addresses[i]);
	}
	(void)ids_pin(share, number, address);
	(void)ids_keep(share, number);
	(void)ids_forget(share, number);
}

static void
find_all(const struct share *share, uint32_t number,
    const struct address *address)
{
	struct table_control control;
	struct table_bind bind;
	struct address to;

	find_id(share, number, address);
	if (controls_by_name(share, "a", &control) == TABLE_OK)
		check_name(control.name);
	if (controls_by_address(share, address, &control) == TABLE_OK) {
		check_address(&control.server);
		check_name(control.name);
	}
	if (announced_at_port(share, (uint16_t)number, &to) == TABLE_OK)
		check_address(&to);
	if (announced_find(share, address) == TABLE_OK)
		check(announced_take(share, address) == TABLE_OK);
	check(announced_take(share, address) != TABLE_OK ||
	    announced_find(share, address) != TABLE_UNUSABLE);
	if (binds_find(share, address, &bind) == TABLE_OK) {
		check_address(&bind.ipv4);
		check_address(&bind.ipv6);
	}
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
	if (places_take(share->table, deadline_in(0)) == WAIT_READY)
		places_leave(share->table);
}

/* Slots that nobody has used yet stay as they are, above those of `top' that
 * a few operations may add. */
static bool
is_clean(const struct table_file *file)
{
	static const uint8_t zeros[TABLE_SLOT_SIZE];

	return memcmp(file->slots[TABLE_SLOTS - 1].octets, zeros,
		   sizeof(zeros)) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table *t = table_of();
	const uint8_t octets[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	const struct address address = address_ipv6(octets, 50000);
	const struct share share = { .table = t, .auth = "none" };
	const struct share other = { .table = t,
		.auth = "password",
		.user = "bob",
		.user_length = 3,
		.client = address };
	const struct slot_owner owner = { .auth = "none" };
	uint32_t number = 0;
	bool clean;

	memcpy(&number, data, size < sizeof(number) ? size : sizeof(number));
	fill(t->file, &owner, data, size);
	t->kept = (struct table_handle){ 0, 0 };
	t->patience = 1;
	clean = is_clean(t->file) &&
	    atomic_load(&t->file->header.top) < TABLE_SLOTS - 64;
	find_all(&share, number, &address);
	find_all(&other, number, &address);
	make_all(&share, number, &address);
	make_all(&other, number, &address);
	find_all(&share, number, &address);
	check(!clean || is_clean(t->file));
	return 0;
}
