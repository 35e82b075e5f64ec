/* SPDX-License-Identifier: ISC */
/*
 * The mapping table.  Every word of it may be written by another process at
 * any time: what is read is checked, names are read between two readings of
 * their slot's round (a round never comes back).
 */
#include "lib/fakes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/real.h"

enum {
	INDEX_SIZE = 2 * FAKES_MAX, /* a power of two */
	PROBES_MAX = 64,
	VICTIMS = 64, /* of these the one that is longest unused goes */
	DIRECT_MAX = 256,
	ROUND_EMPTY = 0,
	ROUND_BUSY = UINT16_MAX, /* being written */
	CLOCK_UNIT = 2,          /* seconds */
};

#define MAGIC 0x34366b73u

/* 256 octets. */
struct slot {
	_Atomic uint16_t round; /* 1 to 4095; empty; busy */
	char name[NAME_LENGTH_MAX + 1];
};

struct direct {
	_Atomic uint64_t words[2]; /* the octets; all zero: nobody */
	_Atomic uint32_t family;
};

struct table {
	uint32_t magic;
	uint16_t first_round;   /* constant */
	_Atomic uint32_t count; /* slots that were ever given */
	_Atomic uint32_t hand;  /* where victims are looked for */
	_Atomic uint32_t direct_count;
	_Atomic uint32_t send_timeouts;
	struct direct direct[DIRECT_MAX];
	_Atomic uint32_t index[INDEX_SIZE]; /* numbers, by names; 0: none */
	_Atomic uint16_t used[FAKES_MAX];   /* when, in units of the clock */
	struct slot slots[FAKES_MAX];
};

static struct table *table;
static unsigned last_round;

/* ------------------------------------------------------------- the file */

static bool
map_table(int fd)
{
	void *at = mmap(NULL, sizeof(*table), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		return false;
	table = at;
	return true;
}

unsigned
fakes_rounds(const struct handover *h)
{
	/* The last number of a net is not used, nor is its number 0. */
	return (1u << (16 - h->fake_ipv4.bits)) - 1;
}

int
fakes_create(const struct handover *h, unsigned rounds, uint64_t *inode)
{
	const int fd = memfd_create("socks64", MFD_ALLOW_SEALING);
	struct stat status;

	if (fd == -1)
		return -1;
	/* Nobody who shares it can cut it off under another's feet. */
	if (ftruncate(fd, sizeof(*table)) == -1 ||
	    real.fcntl(fd, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == -1 ||
	    fstat(fd, &status) == -1 || !map_table(fd)) {
		const int error = errno;

		(void)real.close(fd);
		errno = error;
		return -1;
	}
	table->magic = MAGIC;
	table->first_round = (uint16_t)(rounds + 1);
	last_round = fakes_rounds(h);
	*inode = status.st_ino;
	return fd;
}

bool
fakes_open(const struct handover *h, int fd, uint64_t inode)
{
	struct stat status;

	if (fd < 0 || fstat(fd, &status) == -1 || status.st_ino != inode ||
	    status.st_size != sizeof(*table) || !map_table(fd))
		return false;
	if (table->magic != MAGIC) {
		(void)munmap(table, sizeof(*table));
		table = NULL;
		return false;
	}
	last_round = fakes_rounds(h);
	return true;
}

/* -------------------------------------------------------------- numbers */

static uint32_t
number_of(uint32_t slot, unsigned round)
{
	return (round - 1) * FAKES_MAX + slot + 1;
}

static uint32_t
slot_of(uint32_t number)
{
	return (number - 1) % FAKES_MAX;
}

static unsigned
round_of(uint32_t number)
{
	return (number - 1) / FAKES_MAX + 1;
}

static uint16_t
clock_units(void)
{
	struct timespec now = { .tv_sec = 0 };

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint16_t)(now.tv_sec / CLOCK_UNIT);
}

static void
touch(uint32_t slot)
{
	const uint16_t now = clock_units();

	if (atomic_load_explicit(&table->used[slot], memory_order_relaxed) !=
	    now)
		atomic_store_explicit(&table->used[slot], now,
		    memory_order_relaxed);
}

/* Is the number still its slot's? */
static bool
is_current(uint32_t number)
{
	return number != 0 &&
	    round_of(number) ==
	    atomic_load_explicit(&table->slots[slot_of(number)].round,
		memory_order_acquire);
}

static bool
read_name(uint32_t number, char name[NAME_LENGTH_MAX + 1])
{
	if (table == NULL || !is_current(number))
		return false;
	memcpy(name, table->slots[slot_of(number)].name, NAME_LENGTH_MAX + 1);
	atomic_thread_fence(memory_order_acquire);
	return is_current(number) && name[0] != '\0' &&
	    memchr(name, '\0', NAME_LENGTH_MAX + 1) != NULL;
}

bool
fakes_name(uint32_t number, char name[NAME_LENGTH_MAX + 1])
{
	const bool found = read_name(number, name);

	if (found)
		touch(slot_of(number));
	return found;
}

char *
fakes_text(uint32_t number)
{
	return table == NULL || !is_current(number) ?
	    NULL :
	    table->slots[slot_of(number)].name;
}

bool
fakes_has(const void *pointer)
{
	const uintptr_t at = (uintptr_t)pointer;
	const uintptr_t start = (uintptr_t)table;

	return table != NULL && at >= start && at < start + sizeof(*table);
}

/* ---------------------------------------------------------------- names */

/* FNV-1a. */
static uint32_t
hash_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash ^ hash >> 15;
}

static _Atomic uint32_t *
index_at(uint32_t hash, uint32_t probe)
{
	return &table->index[(hash + probe) % INDEX_SIZE];
}

static bool
is_named(uint32_t number, const char *name)
{
	char found[NAME_LENGTH_MAX + 1];

	return read_name(number, found) && strcmp(found, name) == 0;
}

static uint32_t
find_number(const char *name, uint32_t hash)
{
	for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
		const uint32_t number = atomic_load_explicit(
		    index_at(hash, probe), memory_order_acquire);

		if (number == 0)
			return 0;
		if (is_named(number, name)) {
			touch(slot_of(number));
			return number;
		}
	}
	return 0;
}

/* Where there is no room near by, the name gets another number when it is
 * asked for next. */
static void
enter_number(uint32_t number, uint32_t hash)
{
	for (uint32_t probe = 0; probe < PROBES_MAX; probe++) {
		uint32_t old = atomic_load(index_at(hash, probe));

		if ((old == 0 || !is_current(old)) &&
		    atomic_compare_exchange_strong(index_at(hash, probe), &old,
			number))
			return;
	}
}

/* The slot, of a few behind the hand, that is longest unused and can be used
 * once more; FAKES_MAX: there is none. */
static uint32_t
choose_victim(void)
{
	const uint32_t hand = atomic_fetch_add(&table->hand, VICTIMS);
	const uint16_t now = clock_units();
	uint32_t chosen = FAKES_MAX;
	int oldest = -1;

	for (uint32_t i = 0; i < VICTIMS; i++) {
		const uint32_t slot = (hand + i) % FAKES_MAX;
		const unsigned round = atomic_load(&table->slots[slot].round);
		const int age = (uint16_t)(now -
		    atomic_load(&table->used[slot]));

		if (round == ROUND_EMPTY || round >= last_round ||
		    age <= oldest)
			continue;
		oldest = age;
		chosen = slot;
	}
	return chosen;
}

/* Takes a slot that nobody else writes and tells the round it had. */
static uint32_t
take_slot(unsigned *round)
{
	enum { TRIES = FAKES_MAX / VICTIMS };

	*round = table->first_round - 1u;
	if (atomic_load(&table->count) < FAKES_MAX) {
		const uint32_t slot = atomic_fetch_add(&table->count, 1);

		if (slot < FAKES_MAX)
			return slot;
		atomic_store(&table->count, FAKES_MAX);
	}
	for (unsigned i = 0; i < TRIES; i++) {
		const uint32_t slot = choose_victim();
		uint16_t old;

		if (slot == FAKES_MAX)
			continue;
		old = atomic_load(&table->slots[slot].round);
		if (old != ROUND_EMPTY && old < last_round &&
		    atomic_compare_exchange_strong(&table->slots[slot].round,
			&old, ROUND_BUSY)) {
			*round = old;
			return slot;
		}
	}
	return FAKES_MAX;
}

uint32_t
fakes_number(const char *name)
{
	unsigned round;

	if (table == NULL)
		return 0;
	const uint32_t hash = hash_of(name);
	const uint32_t known = find_number(name, hash);
	if (known != 0)
		return known;
	const uint32_t slot = take_slot(&round);
	if (slot == FAKES_MAX || round >= last_round)
		return 0;
	/* Readers of the old name must see that the slot is busy before they
	 * see an octet of the new one. */
	atomic_thread_fence(memory_order_seq_cst);
	text_copy(table->slots[slot].name, sizeof(table->slots[slot].name),
	    name);
	touch(slot);
	atomic_store_explicit(&table->slots[slot].round, (uint16_t)(round + 1),
	    memory_order_release);
	const uint32_t number = number_of(slot, round + 1);
	enter_number(number, hash);
	return number;
}

/* ------------------------------------------------------------ addresses */

struct address
fakes_address(const struct handover *h, enum family family, uint32_t number)
{
	struct address ipv4 = h->fake_ipv4.prefix;
	struct address ipv6 = h->fake_ipv6.prefix;

	for (size_t i = 0; i < 4; i++)
		ipv4.octets[i] |= (uint8_t)(number >> (24 - 8 * i));
	if (family == FAMILY_IPV4)
		return ipv4;
	memcpy(ipv6.octets + 12, ipv4.octets, 4);
	return ipv6;
}

bool
fakes_number_of(const struct handover *h, const struct address *a,
    uint32_t *number)
{
	const uint8_t *octets = a->octets;
	const uint32_t mask = UINT32_MAX >> h->fake_ipv4.bits;

	if (a->family == FAMILY_IPV6)
		octets += 12;
	*number = ((uint32_t)octets[0] << 24 | (uint32_t)octets[1] << 16 |
		      (uint32_t)octets[2] << 8 | octets[3]) &
	    mask;
	if (a->family == FAMILY_IPV4)
		return address_in_prefix(a, &h->fake_ipv4.prefix,
		    h->fake_ipv4.bits);
	if (!address_in_prefix(a, &h->fake_ipv6.prefix, h->fake_ipv6.bits))
		return false;
	/* What is no address of ours in that net is nobody's. */
	const struct address ours = fakes_address(h, FAMILY_IPV6, *number);
	if (!address_equal(a, &ours))
		*number = 0;
	return true;
}

/* --------------------------------------------------------------- direct */

static void
words_of(const struct address *a, uint64_t words[2])
{
	memcpy(words, a->octets, sizeof(a->octets));
}

bool
fakes_is_direct(const struct address *a)
{
	uint64_t words[2];

	if (table == NULL || atomic_load(&table->direct_count) == 0)
		return false;
	words_of(a, words);
	for (size_t i = 0; i < DIRECT_MAX; i++) {
		const struct direct *d = &table->direct[i];

		if (atomic_load(&d->family) == (uint32_t)a->family &&
		    atomic_load(&d->words[0]) == words[0] &&
		    atomic_load(&d->words[1]) == words[1])
			return true;
	}
	return false;
}

void
fakes_add_direct(const struct address *a)
{
	uint64_t words[2];

	if (table == NULL || fakes_is_direct(a))
		return;
	words_of(a, words);
	struct direct *d =
	    &table->direct[atomic_fetch_add(&table->direct_count, 1) %
		DIRECT_MAX];
	atomic_store(&d->family, FAMILY_NONE);
	atomic_store(&d->words[0], words[0]);
	atomic_store(&d->words[1], words[1]);
	atomic_store(&d->family, (uint32_t)a->family);
}

/* ------------------------------------------------------------- timeouts */

void
fakes_note_send_timeout(void)
{
	if (table != NULL)
		atomic_store(&table->send_timeouts, 1);
}

bool
fakes_know_no_send_timeout(void)
{
	return table != NULL && atomic_load(&table->send_timeouts) == 0;
}
