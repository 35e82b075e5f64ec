/*
 * The association table, for tests/47-table.bats.
 *
 *   table open DIRECTORY        prints "ok" or the problem, status 0 or 1
 *   table entries DIRECTORY     what each kind of entry does: the clock is
 *                               an argument, so nothing waits
 *   table quota DIRECTORY       every bound
 *   table crash DIRECTORY       writers that are killed again and again
 *   table locked DIRECTORY      a process that holds the lock, then dies
 *   table bind DIRECTORY        a BIND of a process that is killed
 *   table race DIRECTORY        many that make the file at once
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/table.h"
#include "net/wait.h"

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

static struct address
address(const char *text, uint16_t port)
{
	struct address a;

	CHECK(address_parse(text, strlen(text), &a));
	a.port = port;
	return a;
}

static struct table_owner
owner(const char *client, const char *user)
{
	return (struct table_owner){
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
	struct table_control c = { .server = address(server, 21),
		.rule = "c:1" };

	name_put(c.name, name);
	return c;
}

/* --- IDs. --- */

static void
ids(struct table *t)
{
	const struct table_owner alice = owner("192.0.2.2", "alice");
	const struct table_owner bob = owner("192.0.2.2", "bob");
	const struct table_owner nobody = owner("192.0.2.2", NULL);
	const struct table_owner other = owner("192.0.2.3", "alice");
	const struct table_target six = target("", "2001:db8::80");
	const struct table_target named = target("a.example", "2001:db8::80");
	struct table_target out = { .count = 0 };
	uint32_t id = 0;
	uint32_t again = 0;
	uint32_t second = 0;

	CHECK(table_id_make(t, &alice, &six, 1000, &id) == TABLE_OK);
	CHECK(id >= 0x100 && id <= 0xffffff);
	CHECK(table_id_make(t, &alice, &six, 2000, &again) == TABLE_OK);
	CHECK(again == id);
	CHECK(table_id_make(t, &alice, &named, 2000, &second) == TABLE_OK);
	CHECK(second != id);
	CHECK(table_id_make(t, &bob, &six, 2000, &again) == TABLE_OK);
	CHECK(again != id);
	CHECK(table_id_find(t, &alice, id, 3000, &out) == TABLE_OK);
	CHECK(out.count == 1 && out.name[0] == '\0' && out.made_at == 1000);
	CHECK(address_equal(&out.addresses[0], &six.addresses[0]));
	/* Another port of the client is the same owner; all else is not. */
	struct table_owner moved = alice;
	moved.client.port = 2;
	CHECK(table_id_find(t, &moved, id, 3000, &out) == TABLE_OK);
	CHECK(table_id_find(t, &bob, id, 3000, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &nobody, id, 3000, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &other, id, 3000, &out) == TABLE_NONE);
	struct table_owner local = { .uid = 7, .auth = "unix" };
	CHECK(table_id_find(t, &local, id, 3000, &out) == TABLE_NONE);
	/* It lives from its last use, but not for ever. */
	CHECK(table_id_find(t, &alice, id, 302999, &out) == TABLE_OK);
	CHECK(table_id_find(t, &alice, second, 302999, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &alice, id, 602999, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &alice, 0x50, 602999, &out) == TABLE_NONE);
}

static void
id_age(struct table *t)
{
	const struct table_owner carol = owner("2001:db8::2", "carol");
	const struct table_target six = target("", "2001:db8::81");
	struct table_target out;
	uint32_t id = 0;
	int64_t now = 0;

	CHECK(table_id_make(t, &carol, &six, now, &id) == TABLE_OK);
	for (; now <= TABLE_ID_LIFE_MAX - 200000; now += 200000)
		CHECK(table_id_find(t, &carol, id, now, &out) == TABLE_OK);
	CHECK(table_id_find(t, &carol, id, TABLE_ID_LIFE_MAX - 1, &out) ==
	    TABLE_OK);
	CHECK(table_id_find(t, &carol, id, TABLE_ID_LIFE_MAX, &out) ==
	    TABLE_NONE);
}

static void
guesses(struct table *t)
{
	const struct table_owner eve = owner("192.0.2.66", "eve");
	const struct table_owner alice = owner("192.0.2.2", "alice");
	const struct table_target six = target("", "2001:db8::80");
	struct table_target out;
	uint32_t own = 0;
	uint32_t id = 0;

	CHECK(table_id_make(t, &eve, &six, 0, &own) == TABLE_OK);
	CHECK(table_id_make(t, &alice, &six, 0, &id) == TABLE_OK);
	for (int i = 0; i < TABLE_GUESSES_MAX; i++)
		CHECK(table_id_find(t, &eve, own == 0x1234 ? 0x1235 : 0x1234,
		    1000, &out) == TABLE_NONE);
	/* Now not even a right one, for a minute; nobody else minds. */
	CHECK(table_id_find(t, &eve, own, 1000, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &alice, id, 1000, &out) == TABLE_OK);
	CHECK(table_id_find(t, &eve, own, 60999, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &eve, own, 61000, &out) == TABLE_OK);
}

/* --- FTP. --- */

static void
controls(struct table *t)
{
	const struct table_owner alice = owner("192.0.2.2", "alice");
	const struct table_owner bob = owner("192.0.2.2", "bob");
	const struct table_control first = control("f.example", "2001:db8::1");
	const struct table_control second = control("f.example",
	    "2001:db8::2");
	const struct table_control literal = control("", "198.51.100.80");
	struct table_handle handle = { 0, 0 };
	struct table_handle other = { 0, 0 };
	struct table_handle third = { 0, 0 };
	struct table_control out;

	CHECK(table_control_put(t, &alice, &first, 0, &handle) == TABLE_OK);
	CHECK(table_control_put(t, &alice, &second, 5, &other) == TABLE_OK);
	CHECK(table_control_put(t, &alice, &literal, 6, &third) == TABLE_OK);
	CHECK(table_control_by_name(t, &alice, "f.example", 9, &out) ==
	    TABLE_OK);
	CHECK(address_equal(&out.server, &second.server) &&
	    out.server.port == 21 && strcmp(out.rule, "c:1") == 0);
	CHECK(table_control_by_name(t, &alice, "", 9, &out) == TABLE_NONE);
	CHECK(table_control_by_name(t, &bob, "f.example", 9, &out) ==
	    TABLE_NONE);
	CHECK(table_control_by_address(t, &alice, &literal.server, 9, &out)
	    == TABLE_OK);
	CHECK(out.name[0] == '\0');
	/* Refreshed in its place, or gone 90 s later. */
	const struct table_handle before = handle;
	CHECK(table_control_put(t, &alice, &first, 30000, &handle) ==
	    TABLE_OK);
	CHECK(handle.slot == before.slot &&
	    handle.generation == before.generation);
	CHECK(table_control_by_name(t, &alice, "f.example", 90006, &out) ==
	    TABLE_OK);
	CHECK(address_equal(&out.server, &first.server));
	CHECK(table_control_by_name(t, &alice, "f.example", 120000, &out) ==
	    TABLE_NONE);
	/* A handle that expired makes a new one. */
	CHECK(table_control_put(t, &alice, &first, 500000, &handle) ==
	    TABLE_OK);
	CHECK(table_control_by_name(t, &alice, "f.example", 500001, &out) ==
	    TABLE_OK);
}

static void
data(struct table *t)
{
	const struct table_owner alice = owner("192.0.2.2", "alice");
	const struct table_owner bob = owner("192.0.2.2", "bob");
	const struct address to = address("2001:db8::1", 60691);
	const struct address next = address("2001:db8::1", 60692);
	struct table_handle handle = { 0, 0 };
	char rule[TABLE_RULE_TEXT] = "";

	CHECK(table_data_announce(t, &alice, &to, "c:7", 0, &handle) ==
	    TABLE_OK);
	CHECK(table_data_find(t, &bob, &to, 1, rule) == TABLE_NONE);
	CHECK(table_data_take(t, &bob, &to, 1, rule) == TABLE_NONE);
	CHECK(table_data_find(t, &alice, &next, 1, rule) == TABLE_NONE);
	CHECK(table_data_find(t, &alice, &to, 1, rule) == TABLE_OK);
	CHECK(strcmp(rule, "c:7") == 0);
	CHECK(table_data_take(t, &alice, &to, 2, rule) == TABLE_OK);
	CHECK(table_data_take(t, &alice, &to, 2, rule) == TABLE_NONE);
	/* What is announced next replaces it; it expires. */
	CHECK(table_data_announce(t, &alice, &to, "c:7", 3, &handle) ==
	    TABLE_OK);
	CHECK(table_data_announce(t, &alice, &next, "c:7", 4, &handle) ==
	    TABLE_OK);
	CHECK(table_data_find(t, &alice, &to, 5, rule) == TABLE_NONE);
	CHECK(table_data_find(t, &alice, &next, 120003, rule) == TABLE_OK);
	CHECK(table_data_find(t, &alice, &next, 120004, rule) == TABLE_NONE);
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
	const uint8_t octets[16] = { 0x20, 1, [14] = (uint8_t)(n >> 8),
		[15] = (uint8_t)n };

	t.addresses[0] = address_ipv6(octets, 0);
	return t;
}

static struct table_owner
owner_number(unsigned n)
{
	const uint8_t octets[16] = { 0x20, 2, [14] = (uint8_t)(n >> 8),
		[15] = (uint8_t)n };

	return (struct table_owner){ .client = address_ipv6(octets, 0),
		.auth = "none" };
}

/* The owner's 65th replaces the one that it used least recently. */
static void
own_quota(struct table *t)
{
	const struct table_owner greedy = owner_number(60000);
	struct table_target out;
	uint32_t list[TABLE_IDS_MAX + 1];

	for (unsigned i = 0; i < TABLE_IDS_MAX; i++) {
		const struct table_target what = target_number(i);

		CHECK(table_id_make(t, &greedy, &what, i, &list[i]) ==
		    TABLE_OK);
	}
	CHECK(table_id_find(t, &greedy, list[0], 100, &out) == TABLE_OK);
	const struct table_target last = target_number(TABLE_IDS_MAX);
	CHECK(table_id_make(t, &greedy, &last, 101, &list[TABLE_IDS_MAX]) ==
	    TABLE_OK);
	CHECK(table_id_find(t, &greedy, list[0], 102, &out) == TABLE_OK);
	CHECK(table_id_find(t, &greedy, list[1], 102, &out) == TABLE_NONE);
	CHECK(table_id_find(t, &greedy, list[2], 102, &out) == TABLE_OK);
}

static int
run_quota(struct table *t)
{
	const struct table_target what = target_number(1);
	const struct table_owner first = owner_number(0);
	struct table_target out;
	uint32_t id = 0;
	uint32_t first_id = 0;
	unsigned n = 0;

	own_quota(t);
	CHECK(table_id_make(t, &first, &what, 200, &first_id) == TABLE_OK);
	/* Many owners fill it; nobody loses what lives. */
	while (n < 2 * TABLE_SLOTS) {
		const struct table_owner one = owner_number(++n);

		if (table_id_make(t, &one, &what, 200, &id) != TABLE_OK)
			break;
	}
	CHECK(n > TABLE_SLOTS - 100 && n <= TABLE_SLOTS);
	CHECK(table_id_find(t, &first, first_id, 201, &out) == TABLE_OK);
	/* What only rests gives way. */
	const struct table_owner late = owner_number(50000);
	CHECK(table_id_make(t, &late, &what, 200 + TABLE_ID_LIFE, &id) ==
	    TABLE_OK);
	/* And after the rest of all the table is as good as new. */
	const int64_t later = 10 * (int64_t)TABLE_ID_LIFE_MAX;
	CHECK(table_id_make(t, &late, &what, later, &id) == TABLE_OK);
	return 0;
}

/* --- Processes that die. --- */

static pid_t
child(void)
{
	const pid_t pid = fork();

	CHECK(pid >= 0);
	return pid;
}

static void
kill_child(pid_t pid)
{
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
}

static _Noreturn void
write_for_ever(const char *directory)
{
	struct table t;
	const struct table_owner owners[] = { owner_number(1),
		owner_number(2) };
	const struct address to = address("2001:db8::1", 60691);
	uint32_t id;

	CHECK(table_open(&t, directory));
	for (unsigned i = 0;; i++) {
		const struct table_target what = target_number(i % 200);
		struct table_handle handle = { 0, 0 };

		table_id_make(&t, &owners[i % 2], &what, i, &id);
		table_data_announce(&t, &owners[i % 2], &to, "rule", i,
		    &handle);
	}
}

/* Every entry that can be found is whole. */
static int
run_crash(struct table *t, const char *directory)
{
	const struct table_owner one = owner_number(1);
	const struct address to = address("2001:db8::1", 60691);

	for (int i = 0; i < KILLS; i++) {
		const pid_t pid = child();
		char rule[TABLE_RULE_TEXT];
		uint32_t id = 0;

		if (pid == 0)
			write_for_ever(directory);
		/* Until it writes, and then at no moment in particular. */
		do
			usleep((useconds_t)(i % 7) * 100);
		while (table_data_find(t, &one, &to, 0, rule) != TABLE_OK);
		kill_child(pid);
		CHECK(table_data_take(t, &one, &to, 0, rule) == TABLE_OK);
		CHECK(strcmp(rule, "rule") == 0);
		while (table_data_take(t, &one, &to, 0, rule) == TABLE_OK)
			CHECK(strcmp(rule, "rule") == 0);
		const struct table_target what = target_number(7);
		struct table_target out;
		CHECK(table_id_make(t, &one, &what, 0, &id) == TABLE_OK);
		CHECK(table_id_find(t, &one, id, 0, &out) == TABLE_OK);
		CHECK(out.count == 1 && address_equal(&out.addresses[0],
		    &what.addresses[0]));
	}
	return 0;
}

static _Noreturn void
hold_lock(const char *directory, int ready)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = 0, .l_len = 1 };
	struct table t;

	CHECK(table_open(&t, directory));
	CHECK(fcntl(t.fd, F_OFD_SETLK, &lock) == 0);
	CHECK(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

static int
run_locked(struct table *t, const char *directory)
{
	const struct table_owner one = owner_number(1);
	const struct table_target what = target_number(7);
	uint32_t id;
	int ready[2];
	char octet;

	CHECK(pipe(ready) == 0);
	const pid_t pid = child();
	if (pid == 0)
		hold_lock(directory, ready[1]);
	CHECK(read(ready[0], &octet, 1) == 1);
	CHECK(table_id_make(t, &one, &what, 0, &id) == TABLE_UNUSABLE);
	CHECK(t->problem[0] != '\0');
	kill_child(pid);
	CHECK(table_id_make(t, &one, &what, 0, &id) == TABLE_OK);
	return 0;
}

static _Noreturn void
hold_bind(const char *directory, const struct table_bind *bind, int ready)
{
	const struct table_owner one = owner_number(1);
	struct table_handle handle = { 0, 0 };
	struct table t;

	CHECK(table_open(&t, directory));
	CHECK(table_bind_put(&t, &one, bind, INT64_MAX, &handle) ==
	    TABLE_OK);
	CHECK(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

static int
run_bind(struct table *t, const char *directory)
{
	const struct table_owner one = owner_number(1);
	const struct table_owner two = owner_number(2);
	const struct table_bind bind = { .told = address("192.0.2.1", 4000),
		.ipv4 = address("198.51.100.1", 4000),
		.ipv6 = address("2001:db8:2::1", 4000) };
	const struct address elsewhere = address("192.0.2.1", 4001);
	struct table_handle handle = { 0, 0 };
	struct table_bind out;
	int ready[2];
	char octet;

	CHECK(pipe(ready) == 0);
	const pid_t pid = child();
	if (pid == 0)
		hold_bind(directory, &bind, ready[1]);
	CHECK(read(ready[0], &octet, 1) == 1);
	CHECK(table_bind_find(t, &one, &bind.told, 0, &out) == TABLE_OK);
	CHECK(address_equal(&out.ipv6, &bind.ipv6) && out.ipv6.port == 4000);
	CHECK(table_bind_find(t, &one, &bind.ipv6, 0, &out) == TABLE_OK);
	CHECK(table_bind_find(t, &one, &elsewhere, 0, &out) == TABLE_NONE);
	CHECK(table_bind_find(t, &two, &bind.told, 0, &out) == TABLE_NONE);
	kill_child(pid);
	CHECK(table_bind_find(t, &one, &bind.told, 0, &out) == TABLE_NONE);
	/* A process's own is not for it; taken back it is gone. */
	CHECK(table_bind_put(t, &one, &bind, INT64_MAX, &handle) ==
	    TABLE_OK);
	struct table second;
	CHECK(table_open(&second, directory));
	CHECK(table_bind_find(&second, &one, &bind.told, 0, &out) ==
	    TABLE_OK);
	table_bind_remove(t, &handle);
	CHECK(table_bind_find(&second, &one, &bind.told, 0, &out) ==
	    TABLE_NONE);
	return 0;
}

static int
run_race(const char *directory)
{
	int status = 0;
	int bad = 0;

	for (int i = 0; i < MAKERS; i++) {
		if (child() == 0) {
			struct table t;
			const bool done = table_open(&t, directory);

			if (!done)
				puts(t.problem);
			exit(done ? 0 : 1);
		}
	}
	while (wait(&status) > 0)
		bad += status != 0;
	return bad;
}

int
main(int argc, char **argv)
{
	struct table t;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		return 2;
	wait_prepare();
	if (strcmp(argv[1], "race") == 0)
		return run_race(argv[2]);
	if (!table_open(&t, argv[2])) {
		puts(t.problem);
		return 1;
	}
	if (strcmp(argv[1], "open") == 0)
		return puts("ok") < 0;
	if (strcmp(argv[1], "entries") == 0)
		return run_entries(&t);
	if (strcmp(argv[1], "quota") == 0)
		return run_quota(&t);
	if (strcmp(argv[1], "crash") == 0)
		return run_crash(&t, argv[2]);
	if (strcmp(argv[1], "locked") == 0)
		return run_locked(&t, argv[2]);
	if (strcmp(argv[1], "bind") == 0)
		return run_bind(&t, argv[2]);
	return 2;
}
