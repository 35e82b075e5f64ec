/* SPDX-License-Identifier: ISC */
/*
 * The association table, for tests/table.bats: table WHAT DIRECTORY.
 *
 *   open             prints "ok" or the problem, status 0 or 1
 *   entries          what each kind of entry does: the clock is an argument,
 *                    so nothing waits
 *   quota, hosts     every bound; what one host may have
 *   million, spread, guessers, numbers, alike, kept
 *                    IDs: wrong ones, chance, how long they and a no last
 *   shared ... COUNT so many processes that use one ID
 *   crash, within    processes that are killed; while they have the lock
 *   locked, forked   ... that hold it; with one descriptor
 *   bind             a BIND of a process that is killed
 *   race             many that make the file: each prints the inode it has
 *   held, overtaken  opens it while another has the lock, which gives its name
 *                    to DIRECTORY/next
 *   forge ... CLIENT TO PORT SERVER PORT
 *                    a data connection that no server announced, and the
 *                    control connection for it
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/wait.h"
#include "share/announced.h"
#include "share/binds.h"
#include "share/controls.h"
#include "share/entries.h"
#include "share/ids.h"
#include "share/layout.h"
#include "share/lock.h"

enum { KILLS = 200, MAKERS = 16 };

#define CHECK(condition) check((condition), #condition, __LINE__)

static void
check(bool holds, const char *what, int line)
{
	if (holds)
		return;
	printf("line %d: not %s\n", line, what);
	exit(1);
}

/* The clock of the table's entries; that of its lock is the real one. */
static int64_t pretended_now;

/* Does the lock's have no end? */
static bool patient;

int64_t __wrap_clock_now(void);
bool __real_deadline_passed(struct deadline d);
bool __wrap_deadline_passed(struct deadline d);

int64_t
__wrap_clock_now(void)
{
	return pretended_now;
}

bool
__wrap_deadline_passed(struct deadline d)
{
	return !patient && __real_deadline_passed(d);
}

/* The next number of an ID that chance gives; 0: chance. */
static uint32_t next_number;

ssize_t __real_getrandom(void *octets, size_t size, unsigned flags);
ssize_t __wrap_getrandom(void *octets, size_t size, unsigned flags);

ssize_t
__wrap_getrandom(void *octets, size_t size, unsigned flags)
{
	uint8_t *number = octets;

	if (next_number == 0 || size != 3)
		return __real_getrandom(octets, size, flags);
	for (int i = 0; i < 3; i++)
		number[i] = (uint8_t)(next_number >> (16 - 8 * i));
	next_number = 0;
	return 3;
}

/* The share, at that time. */
static const struct share *
at(int64_t now, const struct share *share)
{
	pretended_now = now;
	return share;
}

static struct address
address(const char *text, uint16_t port)
{
	struct address a;

	CHECK(address_parse(text, strlen(text), &a));
	a.port = port;
	return a;
}

static struct share
share_of(struct table *t, const char *client, const char *user)
{
	return (struct share){
		.table = t,
		.client = address(client, 1),
		.auth = user == NULL ? "none" : "password",
		.user = user,
		.user_length = user == NULL ? 0 : strlen(user),
	};
}

/* Names of tests are short. */
static void
name_put(char *where, const char *name)
{
	memcpy(where, name, strlen(name) + 1);
}

static struct table_target
target(const char *name, const char *text)
{
	struct table_target t = { .count = 1 };

	t.addresses[0] = address(text, 0);
	name_put(t.name, name);
	return t;
}

static struct table_control
control(const char *name, const char *server)
{
	struct table_control c = { .server = address(server, 21) };

	name_put(c.name, name);
	return c;
}

/* --- IDs. --- */

static void
ids(struct table *t)
{
	const struct share alice = share_of(t, "192.0.2.2", "alice");
	const struct share bob = share_of(t, "192.0.2.2", "bob");
	const struct share nobody = share_of(t, "192.0.2.2", NULL);
	const struct share other = share_of(t, "192.0.2.3", "alice");
	const struct table_target six = target("", "2001:db8::80");
	const struct table_target named = target("a.example", "2001:db8::80");
	struct table_target out = { .count = 0 };
	uint32_t id = 0;
	uint32_t again = 0;
	uint32_t second = 0;

	CHECK(ids_make(at(1000, &alice), &six, &id) == TABLE_OK);
	CHECK(id >= 0x100 && id <= 0xffffff);
	CHECK(ids_make(at(2000, &alice), &six, &again) == TABLE_OK);
	CHECK(again == id);
	CHECK(ids_make(at(2000, &alice), &named, &second) == TABLE_OK);
	CHECK(second != id);
	CHECK(ids_make(at(2000, &bob), &six, &again) == TABLE_OK);
	CHECK(again != id);
	CHECK(ids_find(at(3000, &alice), id, &out) == TABLE_OK);
	CHECK(out.count == 1 && out.name[0] == '\0' && out.made_at == 1000);
	CHECK(address_equal(&out.addresses[0], &six.addresses[0]));
	/* Another port of the client is the same share; all else is not. */
	struct share moved = alice;
	moved.client.port = 2;
	CHECK(ids_find(at(3000, &moved), id, &out) == TABLE_OK);
	CHECK(ids_find(at(3000, &bob), id, &out) == TABLE_NONE);
	CHECK(ids_find(at(3000, &nobody), id, &out) == TABLE_NONE);
	CHECK(ids_find(at(3000, &other), id, &out) == TABLE_NONE);
	struct share local = { .table = t, .uid = 7, .auth = "unix" };
	CHECK(ids_find(at(3000, &local), id, &out) == TABLE_NONE);
	/* It lives from its last use, but not for ever. */
	CHECK(ids_find(at(302999, &alice), id, &out) == TABLE_OK);
	CHECK(ids_find(at(302999, &alice), second, &out) == TABLE_NONE);
	CHECK(ids_find(at(602999, &alice), id, &out) == TABLE_NONE);
	CHECK(ids_find(at(602999, &alice), 0x50, &out) == TABLE_NONE);
}

static void
id_age(struct table *t)
{
	const struct share carol = share_of(t, "2001:db8::2", "carol");
	const struct table_target six = target("", "2001:db8::81");
	struct table_target out;
	const int64_t last = ID_LIFE_MAX - ID_LIFE;
	uint32_t id = 0;
	uint32_t again = 0;
	int64_t now = 0;

	CHECK(ids_make(at(now, &carol), &six, &id) == TABLE_OK);
	for (; now <= ID_LIFE_MAX - 200000; now += 200000)
		CHECK(ids_find(at(now, &carol), id, &out) == TABLE_OK);
	/* Near its end it is not given again, or it would be gone at once. */
	CHECK(ids_make(at(last, &carol), &six, &again) == TABLE_OK &&
	    again == id);
	CHECK(ids_make(at(last + 1, &carol), &six, &again) == TABLE_OK &&
	    again != id);
	CHECK(ids_find(at(ID_LIFE_MAX - 1, &carol), id, &out) == TABLE_OK);
	CHECK(ids_find(at(ID_LIFE_MAX, &carol), id, &out) == TABLE_NONE);
}

static void
guesses(struct table *t)
{
	const struct share eve = share_of(t, "192.0.2.66", "eve");
	const struct share alice = share_of(t, "192.0.2.2", "alice");
	const struct table_target six = target("", "2001:db8::80");
	struct table_target out;
	uint32_t own = 0;
	uint32_t id = 0;

	CHECK(ids_make(at(0, &eve), &six, &own) == TABLE_OK);
	CHECK(ids_make(at(0, &alice), &six, &id) == TABLE_OK);
	for (int i = 1; i <= GUESSES_MAX; i++)
		CHECK(ids_find(at(i * 1000, &eve),
			  own == 0x1234 ? 0x1235 : 0x1234,
			  &out) == TABLE_NONE);
	/* Now not even a right one, for a minute; nobody else minds. */
	CHECK(ids_find(at(8000, &eve), own, &out) == TABLE_NONE);
	CHECK(ids_find(at(8000, &alice), id, &out) == TABLE_OK);
	CHECK(ids_find(at(67999, &eve), own, &out) == TABLE_NONE);
	CHECK(ids_find(at(68000, &eve), own, &out) == TABLE_OK);
}

/* --- FTP. --- */

static void
controls(struct table *t)
{
	const struct share alice = share_of(t, "192.0.2.2", "alice");
	const struct share bob = share_of(t, "192.0.2.2", "bob");
	const struct table_control first = control("f.example", "2001:db8::1");
	const struct table_control second = control("f.example",
	    "2001:db8::2");
	const struct table_control literal = control("", "198.51.100.80");
	struct table_handle handle = { 0, 0 };
	struct table_handle other = { 0, 0 };
	struct table_handle third = { 0, 0 };
	struct table_control out;

	CHECK(controls_put(at(0, &alice), &first, &handle) == TABLE_OK);
	CHECK(controls_put(at(5, &alice), &second, &other) == TABLE_OK);
	CHECK(controls_put(at(6, &alice), &literal, &third) == TABLE_OK);
	CHECK(controls_by_name(at(9, &alice), "f.example", &out) == TABLE_OK);
	CHECK(address_equal(&out.server, &second.server) &&
	    out.server.port == 21);
	CHECK(controls_by_name(at(9, &alice), "", &out) == TABLE_NONE);
	CHECK(controls_by_name(at(9, &bob), "f.example", &out) == TABLE_NONE);
	CHECK(controls_by_address(at(9, &alice), &literal.server, &out) ==
	    TABLE_OK);
	CHECK(out.name[0] == '\0');
	/* Refreshed in its place, or gone 90 s later. */
	const struct table_handle before = handle;
	CHECK(controls_put(at(30000, &alice), &first, &handle) == TABLE_OK);
	CHECK(handle.slot == before.slot &&
	    handle.generation == before.generation);
	CHECK(controls_by_name(at(90006, &alice), "f.example", &out) ==
	    TABLE_OK);
	CHECK(address_equal(&out.server, &first.server));
	CHECK(controls_by_name(at(120000, &alice), "f.example", &out) ==
	    TABLE_NONE);
	/* A handle that expired makes a new one. */
	CHECK(controls_put(at(500000, &alice), &first, &handle) == TABLE_OK);
	CHECK(controls_by_name(at(500001, &alice), "f.example", &out) ==
	    TABLE_OK);
}

static void
data(struct table *t)
{
	const struct share alice = share_of(t, "192.0.2.2", "alice");
	const struct share bob = share_of(t, "192.0.2.2", "bob");
	const struct address to = address("2001:db8::1", 60691);
	const struct address next = address("2001:db8::1", 60692);
	struct table_handle handle = { 0, 0 };
	struct address found = { .family = FAMILY_NONE };

	CHECK(announced_put(at(0, &alice), &to, &handle) == TABLE_OK);
	CHECK(announced_find(at(1, &bob), &to) == TABLE_NONE);
	CHECK(announced_take(at(1, &bob), &to) == TABLE_NONE);
	CHECK(announced_find(at(1, &alice), &next) == TABLE_NONE);
	CHECK(announced_at_port(at(1, &alice), to.port, &found) == TABLE_OK &&
	    address_equal(&found, &to) && found.port == to.port);
	CHECK(announced_at_port(at(1, &bob), to.port, &found) == TABLE_NONE);
	CHECK(announced_at_port(at(1, &alice), next.port, &found) ==
	    TABLE_NONE);
	CHECK(announced_find(at(1, &alice), &to) == TABLE_OK);
	CHECK(announced_take(at(2, &alice), &to) == TABLE_OK);
	CHECK(announced_take(at(2, &alice), &to) == TABLE_NONE);
	/* What is announced next replaces it; it expires. */
	CHECK(announced_put(at(3, &alice), &to, &handle) == TABLE_OK);
	CHECK(announced_put(at(4, &alice), &next, &handle) == TABLE_OK);
	CHECK(announced_find(at(5, &alice), &to) == TABLE_NONE);
	CHECK(announced_find(at(120003, &alice), &next) == TABLE_OK);
	CHECK(announced_find(at(120004, &alice), &next) == TABLE_NONE);
}

static int
run_entries(struct table *t)
{
	ids(t);
	id_age(t);
	guesses(t);
	controls(t);
	data(t);
	return 0;
}

/* --- Bounds. --- */

static struct table_target
target_number(unsigned n)
{
	struct table_target t = { .count = 1 };
	const uint8_t octets[16] = { 0x20,
		1, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n };

	t.addresses[0] = address_ipv6(octets, 0);
	return t;
}

/* Each of another host, as the /64 tells. */
static struct share
share_number(struct table *t, unsigned n)
{
	const uint8_t octets[16] = { 0x20,
		2, [6] = (uint8_t)(n >> 8), [7] = (uint8_t)n };

	return (struct share){ .table = t,
		.client = address_ipv6(octets, 0),
		.auth = "none" };
}

/* One too many of a share replaces the one that it used least recently. */
static void
own_quota(struct table *t)
{
	const struct share greedy = share_number(t, 60000);
	struct table_target out;
	uint32_t list[IDS_MAX + 1];

	for (unsigned i = 0; i < IDS_MAX; i++) {
		const struct table_target what = target_number(i);

		CHECK(ids_make(at(i, &greedy), &what, &list[i]) == TABLE_OK);
	}
	CHECK(ids_find(at(300, &greedy), list[0], &out) == TABLE_OK);
	const struct table_target last = target_number(IDS_MAX);
	CHECK(ids_make(at(301, &greedy), &last, &list[IDS_MAX]) == TABLE_OK);
	CHECK(ids_find(at(302, &greedy), list[0], &out) == TABLE_OK);
	CHECK(ids_find(at(302, &greedy), list[1], &out) == TABLE_NONE);
	CHECK(ids_find(at(302, &greedy), list[2], &out) == TABLE_OK);
}

/* FTP's are of sessions that run: one too many is refused, until another was
 * not refreshed, or waits for too long. */
static void
session_quota(struct table *t)
{
	const struct share crowd = share_number(t, 60001);
	struct table_control control = { .server = address("2001:db8::1",
					     21) };
	struct address to = control.server;
	struct table_handle first = { 0, 0 };
	struct table_handle handle;
	struct table_handle kept;

	CHECK(CONTROLS_MAX >= 200 && ANNOUNCED_MAX >= 200);
	CHECK(controls_put(at(0, &crowd), &control, &first) == TABLE_OK);
	for (unsigned i = 1; i < CONTROLS_MAX; i++) {
		handle = (struct table_handle){ 0, 0 };
		CHECK(controls_put(at(i, &crowd), &control, &handle) ==
		    TABLE_OK);
	}
	handle = (struct table_handle){ 0, 0 };
	CHECK(controls_put(at(CONTROL_REFRESH, &crowd), &control, &first) ==
	    TABLE_OK);
	CHECK(controls_put(at(CONTROL_REFRESH, &crowd), &control, &handle) ==
	    TABLE_FULL);
	CHECK(controls_put(at(CONTROL_REST + 1, &crowd), &control, &handle) ==
	    TABLE_OK);
	/* The first one was refreshed, and is not what was replaced. */
	kept = first;
	CHECK(controls_put(at(CONTROL_REST + 1, &crowd), &control, &first) ==
	    TABLE_OK);
	CHECK(first.slot == kept.slot && first.generation == kept.generation);
	for (unsigned i = 0; i <= ANNOUNCED_MAX; i++) {
		to.port = (uint16_t)(2000 + i);
		handle = (struct table_handle){ 0, 0 };
		CHECK(announced_put(at(i, &crowd), &to, &handle) ==
		    (i < ANNOUNCED_MAX ? TABLE_OK : TABLE_FULL));
	}
	CHECK(announced_put(at(ANNOUNCED_REST, &crowd), &to, &handle) ==
	    TABLE_OK);
	to.port = 2000;
	CHECK(announced_find(at(ANNOUNCED_REST, &crowd), &to) == TABLE_NONE);
	to.port = 2001;
	CHECK(announced_find(at(ANNOUNCED_REST, &crowd), &to) == TABLE_OK);
}

/* An ID for each of `count' shares that `of' makes; how many it got. */
static unsigned
fill(struct table *t, struct share of(struct table *t, unsigned n),
    unsigned count)
{
	const struct table_target what = target_number(1);
	unsigned made = 0;
	uint32_t id;

	for (unsigned n = 0; n < count; n++) {
		const struct share one = of(t, n);

		if (ids_make(at(200, &one), &what, &id) == TABLE_OK)
			made++;
	}
	return made;
}

static struct share
neighbour_number(struct table *t, unsigned n)
{
	struct share one = share_number(t, 1);

	one.client.octets[14] = (uint8_t)(n >> 8);
	one.client.octets[15] = (uint8_t)n;
	return one;
}

static struct share
user_number(struct table *t, unsigned n)
{
	static char name[2];

	name[0] = (char)(n >> 8);
	name[1] = (char)n;
	return (struct share){ .table = t,
		.auth = "password",
		.user = name,
		.user_length = 2,
		.client = address("192.0.2.2", 1) };
}

/* However many addresses or names a host has, it gets its part. */
static int
run_hosts(struct table *t)
{
	const struct table_target what = target_number(1);
	const struct share other = share_number(t, 2);
	const struct share four = share_of(t, "192.0.2.3", NULL);
	struct share known = neighbour_number(t, 3);
	uint32_t id;

	session_quota(t);
	CHECK(fill(t, neighbour_number, 2000) == HOST_ENTRIES_MAX);
	CHECK(fill(t, user_number, 2000) == HOST_ENTRIES_MAX);
	CHECK(ids_make(at(201, &other), &what, &id) == TABLE_OK);
	CHECK(ids_make(at(201, &four), &what, &id) == TABLE_OK);
	/* Who has some already may change them. */
	const struct table_target next = target_number(2);
	CHECK(ids_make(at(201, &known), &next, &id) == TABLE_OK);
	/* What has expired counts no more. */
	known = neighbour_number(t, 1999);
	CHECK(ids_make(at(201, &known), &what, &id) == TABLE_FULL);
	CHECK(ids_make(at(201 + ID_LIFE, &known), &what, &id) == TABLE_OK);
	return 0;
}

/* 10^6 wrong IDs in a day, beside 10 that others have: none of them is hit,
 * and the own one is not there while so many are wrong. */
static int
run_million(struct table *t)
{
	enum { OTHERS = 10, GUESSES = 1000000, SAMPLES = 10000 };
	enum { GAP = 86, RENEWAL = 2000 };
	const struct share eve = share_of(t, "192.0.2.66", "eve");
	const struct table_target six = target("", "2001:db8::80");
	struct table_target out;
	uint32_t guess = 1;
	unsigned found = 0;
	uint32_t own = 0;
	uint32_t id = 0;

	for (unsigned n = 0; n < GUESSES; n++) {
		const int64_t now = (int64_t)n * GAP;

		for (unsigned i = 0; n % RENEWAL == 0 && i < OTHERS; i++) {
			const struct share other = share_number(t, i);

			CHECK(ids_make(at(now, &other), &six, &id) ==
			    TABLE_OK);
		}
		if (n % RENEWAL == 0)
			CHECK(ids_make(at(now, &eve), &six, &own) == TABLE_OK);
		/* All numbers, in an order that looks like none. */
		guess = (guess * 1664525 + 1013904223) & 0xffffff;
		if (guess != own)
			CHECK(ids_find(at(now, &eve), guess, &out) ==
			    TABLE_NONE);
		if (n % (GUESSES / SAMPLES) == 0 &&
		    ids_find(at(now, &eve), own, &out) == TABLE_OK)
			found++;
	}
	/* Eight of the 700 guesses of a minute are heard. */
	CHECK(found > 0 && found < SAMPLES / 30);
	return 0;
}

/* The numbers are spread evenly: sixteen classes of 4,000, and chi-square of
 * 15 degrees of freedom, which is beyond 60 once in three million times. */
static int
run_spread(struct table *t)
{
	const struct share greedy = share_number(t, 7);
	unsigned classes[16] = { 0 };
	double sum = 0;
	uint32_t id;

	for (unsigned n = 0; n < 4000; n++) {
		const struct table_target what = target_number(n);

		CHECK(ids_make(at(n, &greedy), &what, &id) == TABLE_OK);
		classes[id >> 20]++;
	}
	for (size_t i = 0; i < 16; i++)
		sum += (classes[i] - 250.0) * (classes[i] - 250.0) / 250.0;
	CHECK(sum < 60);
	return 0;
}

static bool
is_untouched(const struct table *t)
{
	static const uint8_t zeros[TABLE_SLOT_SIZE];

	for (uint32_t i = 0; i < TABLE_SLOTS; i++)
		if (memcmp((const uint8_t *)&t->file->slots[i], zeros,
			sizeof(zeros)) != 0)
			return false;
	return true;
}

/* Who has no ID leaves nothing behind by asking for some. */
static int
run_guessers(struct table *t)
{
	struct table_target out;

	for (unsigned n = 0; n < 100; n++) {
		const struct share one = share_number(t, n);

		CHECK(ids_find(at(n, &one), 0x1000 + n, &out) == TABLE_NONE);
	}
	CHECK(is_untouched(t));
	return 0;
}

static unsigned pages_read;

static void
open_page(int number, siginfo_t *what, void *context)
{
	const uintptr_t page = (uintptr_t)what->si_addr & ~(uintptr_t)4095;

	(void)number;
	(void)context;
	pages_read++;
	if (mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) != 0)
		abort();
}

/* How many pages of the table are read to look an ID up in vain: the time that
 * it takes, whatever else the machine does. */
static unsigned
pages_of_no(const struct share *share, uint32_t id)
{
	const struct sigaction open = {
		.sa_sigaction = open_page,
		.sa_flags = SA_SIGINFO,
	};
	struct sigaction before;
	struct table_target out;

	pages_read = 0;
	CHECK(sigaction(SIGSEGV, &open, &before) == 0);
	CHECK(mprotect(share->table->file, TABLE_FILE_SIZE, PROT_NONE) == 0);
	CHECK(ids_find(at(ID_LIFE, share), id, &out) == TABLE_NONE);
	CHECK(mprotect(share->table->file, TABLE_FILE_SIZE,
		  PROT_READ | PROT_WRITE) == 0);
	CHECK(sigaction(SIGSEGV, &before, NULL) == 0);
	return pages_read;
}

/* An ID that nobody has, that another has, that the client had: in a table
 * with many. */
static int
run_alike(struct table *t)
{
	enum { CAUSES = 3, OTHERS = 3000 };
	const struct share eve = share_of(t, "192.0.2.66", "eve");
	const struct table_target six = target("", "2001:db8::80");
	uint32_t ids[CAUSES] = { 0x1234 };
	unsigned pages;

	CHECK(ids_make(at(0, &eve), &six, &ids[1]) == TABLE_OK);
	for (unsigned i = 0; i < OTHERS; i++) {
		const struct share other = share_number(t, i);

		CHECK(ids_make(at(1, &other), &six, &ids[2]) == TABLE_OK);
	}
	pages = pages_of_no(&eve, ids[0]);
	CHECK(pages > OTHERS / (4096 / TABLE_SLOT_SIZE));
	for (unsigned i = 1; i < CAUSES; i++)
		CHECK(pages_of_no(&eve, ids[i]) == pages);
	return 0;
}

/* A number that made room for another of its share rests, too; who wants many
 * has no more slots for that than its host may have. */
static void
evicted_number(struct table *t)
{
	const struct share greedy = share_number(t, 60000);
	const struct share bob = share_of(t, "192.0.2.9", "bob");
	uint32_t id = 0;

	next_number = 0x5a3ce2;
	for (unsigned i = 0; i <= IDS_MAX; i++) {
		const struct table_target what = target_number(i);

		CHECK(ids_make(at(i, &greedy), &what, &id) == TABLE_OK);
		CHECK((id == 0x5a3ce2) == (i == 0));
	}
	const struct table_target one = target_number(1);
	next_number = 0x5a3ce2;
	CHECK(ids_make(at(600 * 1000, &bob), &one, &id) == TABLE_OK);
	CHECK(id != 0x5a3ce2 && next_number == 0);
	for (unsigned i = 0; i < 3 * HOST_ENTRIES_MAX; i++) {
		const struct table_target what = target_number(1000 + i);

		CHECK(ids_make(at(600 * 1000, &greedy), &what, &id) ==
		    TABLE_OK);
	}
	CHECK(t->file->header.top <= HOST_ENTRIES_MAX + 16);
}

/* While it is anybody's, and while it rests, nobody gets a number, even if
 * chance has it once more. */
static int
run_numbers(struct table *t)
{
	const struct share alice = share_of(t, "192.0.2.2", "alice");
	const struct share bob = share_of(t, "192.0.2.9", "bob");
	const struct table_target six = target("", "2001:db8::80");
	const int64_t rest = ID_LIFE + 600 * 1000 - 1;
	const int64_t moments[] = { 0, ID_LIFE - 1, ID_LIFE, rest };
	uint32_t id = 0;

	next_number = 0x5a3ce1;
	CHECK(ids_make(at(0, &alice), &six, &id) == TABLE_OK);
	CHECK(id == 0x5a3ce1 && next_number == 0);
	for (size_t i = 0; i < sizeof(moments) / sizeof(*moments); i++) {
		const struct table_target what = target_number((unsigned)i);

		next_number = 0x5a3ce1;
		CHECK(ids_make(at(moments[i], &bob), &what, &id) == TABLE_OK);
		CHECK(id != 0x5a3ce1 && next_number == 0);
	}
	evicted_number(t);
	/* Numbers that look like addresses of clients' own are none. */
	next_number = 0x50;
	CHECK(ids_make(at(rest, &alice), &six, &id) == TABLE_OK);
	CHECK(id >= 0x100);
	return 0;
}

static int
run_quota(struct table *t)
{
	const struct table_target what = target_number(1);
	const struct share first = share_number(t, 0);
	struct table_target out;
	uint32_t id = 0;
	uint32_t first_id = 0;
	unsigned n = 0;

	own_quota(t);
	CHECK(ids_make(at(200, &first), &what, &first_id) == TABLE_OK);
	/* Many shares fill it; nobody loses what lives. */
	while (n < 2 * TABLE_SLOTS) {
		const struct share one = share_number(t, ++n);

		if (ids_make(at(200, &one), &what, &id) != TABLE_OK)
			break;
	}
	CHECK(n > TABLE_SLOTS - IDS_MAX - 40 && n <= TABLE_SLOTS);
	CHECK(ids_find(at(201, &first), first_id, &out) == TABLE_OK);
	/* What only rests gives way. */
	const struct share late = share_number(t, 50000);
	CHECK(ids_make(at(200 + ID_LIFE, &late), &what, &id) == TABLE_OK);
	/* And after the rest of all the table is as good as new. */
	const int64_t later = 10 * (int64_t)ID_LIFE_MAX;
	CHECK(ids_make(at(later, &late), &what, &id) == TABLE_OK);
	return 0;
}

/* --- Processes that die. --- */

static pid_t
child(void)
{
	const pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	return pid;
}

static void
kill_child(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static int
child_status(pid_t pid)
{
	int status = 0;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status != 0;
}

static _Noreturn void
write_for_ever(const char *directory)
{
	struct table t;
	const struct share shares[] = { share_number(&t, 1),
		share_number(&t, 2) };
	const struct address to = address("2001:db8::1", 60691);
	uint32_t id;

	CHECK(table_open(&t, directory));
	for (unsigned i = 0;; i++) {
		const struct table_target what = target_number(i % 200);
		struct table_handle handle = { 0, 0 };

		const struct share *share = at(i, &shares[i % 2]);

		ids_make(share, &what, &id);
		announced_put(share, &to, &handle);
	}
}

/* Every entry that can be found is whole. */
static int
run_crash(struct table *t, const char *directory)
{
	const struct share one = share_number(t, 1);
	const struct address to = address("2001:db8::1", 60691);

	for (int i = 0; i < KILLS; i++) {
		const pid_t pid = child();
		uint32_t id = 0;

		if (pid == 0)
			write_for_ever(directory);
		/* Until it writes, and then at no moment in particular. */
		do
			usleep((useconds_t)(i % 7) * 100);
		while (announced_find(at(0, &one), &to) != TABLE_OK);
		kill_child(pid);
		CHECK(announced_take(at(0, &one), &to) == TABLE_OK);
		while (announced_take(at(0, &one), &to) == TABLE_OK)
			;
		const struct table_target what = target_number(7);
		struct table_target out;
		CHECK(ids_make(at(0, &one), &what, &id) == TABLE_OK);
		CHECK(ids_find(at(0, &one), id, &out) == TABLE_OK);
		CHECK(out.count == 1 &&
		    address_equal(&out.addresses[0], &what.addresses[0]));
	}
	return 0;
}

/* What a process does with the ID of the first share, or makes one. */
static void
op_make(const struct share *one, uint32_t id)
{
	const struct table_target what = target_number(8);
	uint32_t made;

	(void)id;
	ids_make(one, &what, &made);
}

static void
op_find(const struct share *one, uint32_t id)
{
	struct table_target out;

	ids_find(one, id, &out);
}

/* Of another share, for this one is asked what its ID stands for. */
static void
op_guess(const struct share *one, uint32_t id)
{
	const struct share two = share_number(one->table, 2);
	struct table_target out;

	op_make(&two, id);
	ids_find(&two, id, &out);
}

static void
op_pin(const struct share *one, uint32_t id)
{
	const struct address to = address("2001:db8::99", 0);

	ids_pin(one, id, &to);
}

static void
op_keep(const struct share *one, uint32_t id)
{
	ids_keep(one, id);
}

static void
op_forget(const struct share *one, uint32_t id)
{
	ids_forget(one, id);
}

typedef void id_op(const struct share *one, uint32_t id);

static uint32_t
fresh_id(const struct share *one)
{
	const struct table_target named = target("a.example", "2001:db8::80");
	uint32_t id = 0;

	CHECK(ids_make(one, &named, &id) == TABLE_OK);
	return id;
}

/* Hours go by, so that guesses are counted anew. */
static _Noreturn void
do_for_ever(const char *directory, id_op *op)
{
	enum { GAP = 10000, MOMENTS = 1000 };
	struct table t;
	const struct share one = share_number(&t, 1);

	CHECK(table_open(&t, directory));
	patient = true;
	for (int64_t i = 0;; i++)
		op(&one, fresh_id(at(i % MOMENTS * GAP, &one)));
}

/* The ID is whole, or there is a new one. */
static void
check_whole(struct table *t)
{
	const struct share one = share_number(t, 1);
	const struct address before = address("2001:db8::80", 0);
	const struct address pinned = address("2001:db8::99", 0);
	struct table_target out;

	CHECK(lock_set(t->fd, F_WRLCK, 0) && lock_set(t->fd, F_UNLCK, 0));
	CHECK(ids_find(&one, fresh_id(at(0, &one)), &out) == TABLE_OK);
	CHECK(strcmp(out.name, "a.example") == 0 && out.count == 1);
	CHECK(address_equal(&out.addresses[0], &before) ||
	    address_equal(&out.addresses[0], &pinned));
}

/* Kills a process at some moment.  Did it have the lock then? */
static bool
kill_within(struct table *t, const char *directory, id_op *op)
{
	const pid_t pid = child();
	int status = 0;

	if (pid == 0)
		do_for_ever(directory, op);
	while (!lock_is_held(t->fd, 0))
		usleep(100);
	CHECK(kill(pid, SIGSTOP) == 0);
	CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status));
	const bool held = lock_is_held(t->fd, 0);
	kill_child(pid);
	check_whole(t);
	return held;
}

static int
run_within(struct table *t, const char *directory)
{
	enum { WANTED = 12, MOST = 1000 };
	static id_op *const ops[] = { op_make, op_find, op_guess, op_pin,
		op_keep, op_forget };

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		unsigned held = 0;

		for (int n = 0; held < WANTED; n++) {
			CHECK(n < MOST);
			held += kill_within(t, directory, ops[i]);
		}
	}
	return 0;
}

/* Uses the ID again and again, and pins it to an address of its own. */
static _Noreturn void
share_id(const char *directory, uint32_t id, unsigned number)
{
	const struct table_target named = target("a.example", "2001:db8::80");
	struct address own = address("2001:db8::a0", 0);
	struct table t;
	const struct share one = share_number(&t, 1);
	struct table_target out;
	uint32_t again = 0;

	own.octets[15] = (uint8_t)(own.octets[15] + number);
	CHECK(table_open(&t, directory));
	patient = true;
	for (int i = 0; i < 200; i++) {
		CHECK(ids_pin(at(i, &one), id, &own) == TABLE_OK);
		CHECK(ids_find(at(i, &one), id, &out) == TABLE_OK);
		CHECK(strcmp(out.name, "a.example") == 0 && out.count == 1);
		CHECK((out.addresses[0].octets[15] & 0xf0) == 0xa0);
		CHECK(ids_make(at(i, &one), &named, &again) == TABLE_OK);
		CHECK(again == id);
	}
	_exit(0);
}

static int
run_shared(struct table *t, const char *directory, unsigned count)
{
	const struct share one = share_number(t, 1);
	const uint32_t id = fresh_id(at(0, &one));
	pid_t pids[MAKERS];

	CHECK(count <= MAKERS);
	for (unsigned i = 0; i < count; i++) {
		pids[i] = child();
		if (pids[i] == 0)
			share_id(directory, id, i);
	}
	for (unsigned i = 0; i < count; i++)
		CHECK(child_status(pids[i]) == 0);
	return 0;
}

/* A connection that an ID is made for, at that time. */
static pid_t
connection_lasts(const char *directory, int64_t now, uint32_t *id)
{
	const struct table_target what = target_number(7);
	struct table t;
	int ready[2];

	CHECK(pipe(ready) == 0);
	const pid_t pid = child();
	if (pid == 0) {
		const struct share one = share_number(&t, 1);

		CHECK(table_open(&t, directory));
		CHECK(ids_make(at(now, &one), &what, id) == TABLE_OK);
		CHECK(ids_keep(at(now, &one), *id) == TABLE_OK);
		table_keep_locks(&t);
		CHECK(write(ready[1], id, sizeof(*id)) == sizeof(*id));
		for (;;)
			pause();
	}
	CHECK(read(ready[0], id, sizeof(*id)) == sizeof(*id));
	return pid;
}

/* The ID lives while one of its connections does, and as any other then. */
static void
kept_by_others(struct table *t, const char *directory)
{
	const struct share one = share_number(t, 1);
	struct table_target out;
	uint32_t second_id = 0;
	uint32_t id = 0;
	const pid_t pid = connection_lasts(directory, 0, &id);

	CHECK(ids_find(at(2 * ID_LIFE, &one), id, &out) == TABLE_OK);
	const pid_t second = connection_lasts(directory, 4 * ID_LIFE,
	    &second_id);
	CHECK(second_id == id);
	kill_child(pid);
	CHECK(ids_find(at(6 * ID_LIFE, &one), id, &out) == TABLE_OK);
	kill_child(second);
	CHECK(ids_find(at(7 * ID_LIFE - 1, &one), id, &out) == TABLE_OK);
	CHECK(ids_find(at(8 * ID_LIFE - 1, &one), id, &out) == TABLE_NONE);
}

/* At its own, too; and what takes its slot later is not kept by it. */
static void
kept_by_itself(struct table *t)
{
	const struct share two = share_number(t, 2);
	const struct table_target what = target_number(7);
	struct table_target out;
	uint32_t id = 0;

	CHECK(ids_make(at(0, &two), &what, &id) == TABLE_OK);
	CHECK(ids_keep(at(0, &two), id) == TABLE_OK);
	CHECK(ids_find(at(2 * ID_LIFE, &two), id, &out) == TABLE_OK);
	CHECK(ids_find(at(ID_LIFE_MAX - 1, &two), id, &out) == TABLE_OK);
	CHECK(ids_find(at(ID_LIFE_MAX, &two), id, &out) == TABLE_NONE);
}

/* Connections that are over hold no place of their host. */
static void
kept_no_more(struct table *t)
{
	const struct table_target what = target_number(7);
	const int64_t later = 2 * (int64_t)ID_LIFE_MAX;
	uint32_t id = 0;

	for (unsigned n = 0; n < HOST_ENTRIES_MAX; n++) {
		const struct share one = neighbour_number(t, n);

		CHECK(ids_make(at(later, &one), &what, &id) == TABLE_OK);
		CHECK(ids_keep(at(later, &one), id) == TABLE_OK);
	}
	/* Those of this process but the last look like another's. */
	const struct share more = neighbour_number(t, 2000);
	CHECK(ids_make(at(later + ID_LIFE - 1, &more), &what, &id) ==
	    TABLE_FULL);
	CHECK(ids_make(at(later + ID_LIFE, &more), &what, &id) == TABLE_OK);
}

static int
run_kept(struct table *t, const char *directory)
{
	kept_by_others(t, directory);
	kept_by_itself(t);
	kept_no_more(t);
	return 0;
}

static _Noreturn void
hold_lock(const char *directory, int ready)
{
	struct flock lock = { .l_type = F_WRLCK,
		.l_whence = SEEK_SET,
		.l_start = 0,
		.l_len = 1 };
	struct table t;

	CHECK(table_open(&t, directory));
	CHECK(fcntl(t.fd, F_OFD_SETLK, &lock) == 0);
	CHECK(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

/* One that was forked behind table_open() has the very descriptor. */
static int
run_forked(struct table *t)
{
	int status = 0;

	CHECK(lock_wait(t->fd, LOCK_LIMIT));
	const pid_t pid = child();
	if (pid == 0)
		_exit(lock_set(t->fd, F_WRLCK, 0) ? 1 : 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return 0;
}

static int
run_locked(struct table *t, const char *directory)
{
	const struct share one = share_number(t, 1);
	const struct table_target what = target_number(7);
	uint32_t id;
	int ready[2];
	char octet;

	CHECK(pipe(ready) == 0);
	const pid_t pid = child();
	if (pid == 0)
		hold_lock(directory, ready[1]);
	CHECK(read(ready[0], &octet, 1) == 1);
	CHECK(ids_make(at(0, &one), &what, &id) == TABLE_UNUSABLE);
	CHECK(t->problem[0] != '\0');
	/* It is not waited for a second time in the same session. */
	CHECK(t->patience == 0);
	CHECK(ids_make(at(0, &one), &what, &id) == TABLE_UNUSABLE);
	kill_child(pid);
	CHECK(ids_make(at(0, &one), &what, &id) == TABLE_OK);
	return 0;
}

static _Noreturn void
hold_bind(const char *directory, const struct table_bind *bind, int ready)
{
	struct table t;
	const struct share one = share_number(&t, 1);

	CHECK(table_open(&t, directory));
	CHECK(binds_put(&one, bind, 1000) == TABLE_OK);
	table_keep_locks(&t);
	CHECK(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

/* What another process of the first share finds there. */
static enum table_result
look_for_bind(const char *directory, const struct address *announced)
{
	struct table t;
	const struct share one = share_number(&t, 1);
	struct table_bind out;
	int status = 0;
	const pid_t pid = child();

	if (pid == 0) {
		CHECK(table_open(&t, directory));
		_exit((int)binds_find(&one, announced, &out));
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status));
	return (enum table_result)WEXITSTATUS(status);
}

/* Those that are over take no place of those that live. */
static void
bind_crowd(const char *directory, const struct table_bind *bind)
{
	struct table t;
	const struct share one = share_number(&t, 1);
	int ready[2];
	char octet;
	pid_t pid;

	CHECK(pipe(ready) == 0);
	pid = child();
	if (pid == 0)
		hold_bind(directory, bind, ready[1]);
	CHECK(read(ready[0], &octet, 1) == 1);
	for (unsigned i = 0; i < 2 * BINDS_MAX; i++) {
		const struct table_bind other = { .told = address("192.0.2.9",
						      (uint16_t)(5000 + i)) };

		CHECK(table_open(&t, directory));
		CHECK(binds_put(at(i, &one), &other, 100000) == TABLE_OK);
		table_close(&t);
	}
	CHECK(look_for_bind(directory, &bind->told) == TABLE_OK);
	kill_child(pid);
}

static int
run_bind(struct table *t, const char *directory)
{
	const struct share one = share_number(t, 1);
	const struct share two = share_number(t, 2);
	const struct table_bind bind = { .told = address("192.0.2.1", 4000),
		.ipv4 = address("198.51.100.1", 4000),
		.ipv6 = address("2001:db8:2::1", 4000) };
	const struct address elsewhere = address("192.0.2.1", 4001);
	struct table_bind out;
	int ready[2];
	char octet;

	CHECK(pipe(ready) == 0);
	const pid_t pid = child();
	if (pid == 0)
		hold_bind(directory, &bind, ready[1]);
	CHECK(read(ready[0], &octet, 1) == 1);
	CHECK(binds_find(at(0, &one), &bind.told, &out) == TABLE_OK);
	CHECK(address_equal(&out.ipv6, &bind.ipv6) && out.ipv6.port == 4000);
	CHECK(binds_find(at(0, &one), &bind.ipv6, &out) == TABLE_OK);
	CHECK(binds_find(at(0, &one), &elsewhere, &out) == TABLE_NONE);
	CHECK(binds_find(at(0, &two), &bind.told, &out) == TABLE_NONE);
	kill_child(pid);
	CHECK(binds_find(at(0, &one), &bind.told, &out) == TABLE_NONE);
	/* A process's own is not for it; taken back it is gone. */
	CHECK(binds_put(&one, &bind, 1000) == TABLE_OK);
	CHECK(binds_find(at(0, &one), &bind.told, &out) == TABLE_NONE);
	CHECK(look_for_bind(directory, &bind.told) == TABLE_OK);
	table_keep_locks(t);
	CHECK(look_for_bind(directory, &bind.told) == TABLE_OK);
	CHECK(binds_put(&one, &bind, 1000) == TABLE_UNUSABLE);
	table_close(t);
	CHECK(look_for_bind(directory, &bind.told) == TABLE_NONE);
	bind_crowd(directory, &bind);
	return 0;
}

static void
print_inode(int fd)
{
	struct stat status;

	CHECK(fstat(fd, &status) == 0);
	printf("%ju\n", (uintmax_t)status.st_ino);
}

static pid_t
open_in_child(const char *directory)
{
	const pid_t pid = child();
	struct table t;

	if (pid != 0)
		return pid;
	const bool done = table_open(&t, directory);
	if (done)
		print_inode(t.fd);
	else
		puts(t.problem);
	exit(done ? 0 : 1);
}

/* Locks the file that has the name now, for this process. */
static int
lock_file(const char *directory)
{
	CHECK(chdir(directory) == 0);
	const int fd = open("associations", O_RDWR);

	CHECK(fd != -1 && lock_set(fd, F_WRLCK, 0));
	return fd;
}

static int
run_held(const char *directory)
{
	lock_file(directory);
	return child_status(open_in_child("."));
}

/* Has the process a file without a name, as a new table is? */
static bool
has_fresh(pid_t pid)
{
	static const char deleted[] = " (deleted)";
	char pattern[64];
	char to[512];
	glob_t found;
	bool has = false;

	snprintf(pattern, sizeof(pattern), "/proc/%d/fd/*", (int)pid);
	if (glob(pattern, 0, NULL, &found) != 0)
		return false;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const ssize_t n = readlink(found.gl_pathv[i], to, sizeof(to));

		if (n >= (ssize_t)strlen(deleted) &&
		    memcmp(to + n - strlen(deleted), deleted,
			strlen(deleted)) == 0)
			has = true;
	}
	globfree(&found);
	return has;
}

/* The child has opened the old table as soon as it has a new one; or it has
 * ended already, which is wrong. */
static int
run_overtaken(const char *directory)
{
	const int old = lock_file(directory);
	siginfo_t ended = { .si_pid = 0 };

	patient = true;
	const pid_t pid = open_in_child(".");
	while (ended.si_pid == 0 && !has_fresh(pid))
		CHECK(waitid(P_PID, (id_t)pid, &ended,
			  WEXITED | WNOHANG | WNOWAIT) == 0);
	CHECK(rename("next", "associations") == 0);
	CHECK(lock_set(old, F_UNLCK, 0));
	return child_status(pid);
}

static int
run_race(const char *directory)
{
	pid_t pids[MAKERS];
	int bad = 0;

	for (int i = 0; i < MAKERS; i++)
		pids[i] = open_in_child(directory);
	for (int i = 0; i < MAKERS; i++)
		bad += child_status(pids[i]);
	return bad;
}

static uint16_t
port(const char *text)
{
	return (uint16_t)strtoul(text, NULL, 10);
}

/* What a process of the same user can put there, whoever took it over. */
static int
run_forge(struct table *t, char **words)
{
	const struct share client = share_of(t, words[0], NULL);
	const struct address to = address(words[1], port(words[2]));
	const struct table_control control = { .server = address(words[3],
						   port(words[4])) };
	struct table_handle data = { 0, 0 };
	struct table_handle alive = { 0, 0 };
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	pretended_now = (int64_t)now.tv_sec * 1000;
	CHECK(controls_put(&client, &control, &alive) == TABLE_OK);
	CHECK(announced_put(&client, &to, &data) == TABLE_OK);
	return 0;
}

static int
run_open(struct table *t)
{
	(void)t;
	return puts("ok") < 0;
}

/* With a table that is open. */
static int
run_with(struct table *t, char **words)
{
	static const struct {
		const char *name;
		int (*alone)(struct table *t);
		int (*among)(struct table *t, const char *directory);
	} runs[] = {
		{ "open", run_open, NULL },
		{ "entries", run_entries, NULL },
		{ "quota", run_quota, NULL },
		{ "hosts", run_hosts, NULL },
		{ "million", run_million, NULL },
		{ "spread", run_spread, NULL },
		{ "guessers", run_guessers, NULL },
		{ "numbers", run_numbers, NULL },
		{ "alike", run_alike, NULL },
		{ "kept", NULL, run_kept },
		{ "crash", NULL, run_crash },
		{ "within", NULL, run_within },
		{ "locked", NULL, run_locked },
		{ "forked", run_forked, NULL },
		{ "bind", NULL, run_bind },
	};

	for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++) {
		if (strcmp(words[0], runs[i].name) != 0)
			continue;
		return runs[i].alone != NULL ? runs[i].alone(t) :
					       runs[i].among(t, words[1]);
	}
	return 2;
}

int
main(int argc, char **argv)
{
	struct table t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 3)
		return 2;
	wait_prepare();
	if (strcmp(argv[1], "race") == 0)
		return run_race(argv[2]);
	if (strcmp(argv[1], "held") == 0)
		return run_held(argv[2]);
	if (strcmp(argv[1], "overtaken") == 0)
		return run_overtaken(argv[2]);
	if (!table_open(&t, argv[2])) {
		puts(t.problem);
		return 1;
	}
	if (argc == 8 && strcmp(argv[1], "forge") == 0)
		return run_forge(&t, argv + 3);
	if (argc == 4 && strcmp(argv[1], "shared") == 0)
		return run_shared(&t, argv[2], port(argv[3]));
	return run_with(&t, argv + 1);
}
