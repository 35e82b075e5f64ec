/* SPDX-License-Identifier: ISC */
/*
 * The pure files of service/, and base/inputs, driven by hand.
 *
 *	service CHECK
 *
 * CHECK is one of the table at the end.  Silent and status 0, or a line that
 * names what does not hold.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/inputs.h"
#include "base/wait.h"
#include "service/ledger.h"
#include "service/overview.h"
#include "service/place.h"

#define SECOND INT64_C(1000000)

#define HOLDS(condition) holds((condition), #condition, __LINE__)

static void
holds(bool condition, const char *text, int line)
{
	if (condition)
		return;
	printf("line %d: not %s\n", line, text);
	exit(1);
}

/* --- the ledger --- */

static struct ledger *
ledger(void)
{
	struct ledger *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (l == MAP_FAILED)
		exit(2);
	l->seed = 7;
	return l;
}

static struct visitor
visitor(const char *text, int64_t now)
{
	struct visitor v = { .now = now };

	if (text[0] == '=')
		v.uid = (uint32_t)atoi(text + 1);
	else
		HOLDS(address_parse(text, strlen(text), &v.client));
	return v;
}

static int32_t next_pid = 1;

/* A session from there, as the gate and clone(2) would make it. */
static enum admission
enter(struct ledger *l, const struct limits *limits, const char *from,
    int64_t now)
{
	const struct visitor v = visitor(from, now);
	uint32_t slot;
	const enum admission admission = ledger_admit(l, limits, &v, &slot);

	if (admission == ADMISSION_GRANTED)
		l->pids[slot] = next_pid++;
	return admission;
}

static void
leave(struct ledger *l, int32_t pid)
{
	const uint32_t slot = ledger_find(l, pid);

	HOLDS(slot != LEDGER_NO_SLOT);
	ledger_end(l, slot);
}

static void
check_keys(void)
{
	static const struct {
		const char *one;
		const char *other;
		bool same;
	} pairs[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "2001:db8::1", "2001:db8::ffff:0:0:2", true },
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "2001:db8::", "2001:db8::1", true },
		{ "::1", "::2", false },
		{ "::1", "::1", true },
		{ "fe80::1", "fe80::2", false },
		{ "fe80::1", "fe80::1", true },
		{ "fec0::1", "fec0::2", true },
		{ "::ffff:192.0.2.1", "192.0.2.1", true },
		{ "=1000", "=1000", true },
		{ "=1000", "=1001", false },
		{ "0.0.3.232", "=1000", false },
	};
	const struct limits one = { .sessions = 9, .per_client = 1 };

	for (size_t i = 0; i < ARRAY_COUNT(pairs); i++) {
		struct ledger *l = ledger();

		HOLDS(enter(l, &one, pairs[i].one, 1) == ADMISSION_GRANTED);
		if ((enter(l, &one, pairs[i].other, 1) ==
			ADMISSION_PER_CLIENT) != pairs[i].same) {
			printf("%s and %s\n", pairs[i].one, pairs[i].other);
			exit(1);
		}
		munmap(l, sizeof(*l));
	}
}

static void
check_slots(void)
{
	struct ledger *l = ledger();
	const struct limits limits = { .sessions = 100 };

	for (int i = 0; i < 100; i++)
		HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_SESSIONS);
	HOLDS(ledger_live(l) == 100);
	HOLDS(ledger_find(l, 0) == LEDGER_NO_SLOT);
	HOLDS(ledger_find(l, 4711) == LEDGER_NO_SLOT);
	/* The slots of those who left are used again. */
	for (int round = 0; round < 50; round++) {
		leave(l, next_pid - 100);
		HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_GRANTED);
	}
	HOLDS(ledger_live(l) == 100);
	HOLDS(l->high < 160);
	/* A slot without a session, as after a clone(2) that failed. */
	leave(l, next_pid - 1);
	const struct visitor v = visitor("192.0.2.1", 1);
	uint32_t slot;
	HOLDS(ledger_admit(l, &limits, &v, &slot) == ADMISSION_GRANTED);
	ledger_release(l, slot);
	HOLDS(ledger_live(l) == 99);
}

static void
check_all_slots(void)
{
	struct ledger *l = ledger();
	const struct limits limits = { .sessions = LEDGER_SLOTS,
		.per_client = LEDGER_SLOTS };

	for (int i = 0; i < LEDGER_SLOTS; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.%d.%d.%d", i >> 16,
		    i >> 8 & 255, i & 255);
		HOLDS(enter(l, &limits, text, 1) == ADMISSION_GRANTED);
	}
	HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_SESSIONS);
	leave(l, 1);
	leave(l, LEDGER_SLOTS);
	HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_SESSIONS);
	HOLDS(l->high == LEDGER_SLOTS);
}

static void
check_clients(void)
{
	struct ledger *l = ledger();
	const struct limits two = { .sessions = 100, .per_client = 2 };
	const struct limits none = { .sessions = 100 };
	struct visitor proxy = visitor("192.0.2.1", 1);
	uint32_t slot;

	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_PER_CLIENT);
	HOLDS(enter(l, &two, "192.0.2.2", 1) == ADMISSION_GRANTED);
	/* A peer that speaks for many has no limit, and is not counted. */
	proxy.exempt = true;
	HOLDS(ledger_admit(l, &two, &proxy, &slot) == ADMISSION_GRANTED);
	l->pids[slot] = next_pid++;
	leave(l, 1);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_PER_CLIENT);
	/* Sessions of a generation without the limit count in the next. */
	ledger_begin(l);
	for (int i = 0; i < 3; i++)
		HOLDS(enter(l, &none, "192.0.2.9", 1) == ADMISSION_GRANTED);
	ledger_begin(l);
	ledger_count(l);
	HOLDS(enter(l, &two, "192.0.2.9", 1) == ADMISSION_PER_CLIENT);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_PER_CLIENT);
	HOLDS(enter(l, &two, "192.0.2.2", 1) == ADMISSION_GRANTED);
	HOLDS(ledger_live(l) == 8);
}

/* A gate that died in the middle of anything. */
static void
check_repair(void)
{
	struct ledger *l = ledger();
	const struct limits two = { .sessions = 4, .per_client = 2 };
	const struct visitor v = visitor("192.0.2.1", 1);
	uint32_t slot;

	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_GRANTED);
	/* Taken, counted, and no process. */
	HOLDS(ledger_admit(l, &two, &v, &slot) == ADMISSION_GRANTED);
	l->free_count = 17;
	l->started += 5;
	l->clients[l->slots[slot].counted - 1].sessions = 99;
	ledger_begin(l);
	ledger_count(l);
	HOLDS(ledger_live(l) == 1);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(enter(l, &two, "192.0.2.1", 1) == ADMISSION_PER_CLIENT);
}

static void
check_rate(void)
{
	struct ledger *l = ledger();
	const struct limits limits = { .sessions = 10000,
		.rate = { .count = 3, .time = 6000 } };
	int64_t now = 5 * SECOND;

	/* Three at once, then one for each two seconds. */
	for (int i = 0; i < 3; i++)
		HOLDS(enter(l, &limits, "192.0.2.1", now) ==
		    ADMISSION_GRANTED);
	HOLDS(enter(l, &limits, "192.0.2.1", now) == ADMISSION_RATE);
	HOLDS(enter(l, &limits, "192.0.2.2", now) == ADMISSION_GRANTED);
	now += 2 * SECOND - 1;
	HOLDS(enter(l, &limits, "192.0.2.1", now) == ADMISSION_RATE);
	now += 1;
	HOLDS(enter(l, &limits, "192.0.2.1", now) == ADMISSION_GRANTED);
	HOLDS(enter(l, &limits, "192.0.2.1", now) == ADMISSION_RATE);
	/* Behind the time all of them again, and no more. */
	now += 60 * SECOND;
	for (int i = 0; i < 3; i++)
		HOLDS(enter(l, &limits, "192.0.2.1", now) ==
		    ADMISSION_GRANTED);
	HOLDS(enter(l, &limits, "192.0.2.1", now) == ADMISSION_RATE);
}

/* In any minute, N + what the pace brings, whatever the moments. */
static void
check_rate_bound(void)
{
	struct ledger *l = ledger();
	const struct limits limits = { .sessions = LEDGER_SLOTS,
		.rate = { .count = 7, .time = 1000 } };
	uint64_t seed = 1;
	int granted = 0;
	int64_t now = SECOND;

	for (; now < 61 * SECOND; now += (int64_t)(seed >> 40) % 40000) {
		seed = seed * UINT64_C(6364136223846793005) + 1;
		granted += enter(l, &limits, "192.0.2.1", now) ==
		    ADMISSION_GRANTED;
		if (granted % 100 == 0)
			ledger_begin(l);
	}
	HOLDS(granted <= 7 * 60 + 7);
	HOLDS(granted >= 7 * 60 - 7);
}

static void
check_reports(void)
{
	struct ledger *l = ledger();
	struct visitor v = visitor("192.0.2.1", 100 * SECOND);

	HOLDS(ledger_report(l, &v) == 1);
	for (int i = 0; i < 17; i++)
		HOLDS(ledger_report(l, &v) == 0);
	v.now += 60 * SECOND;
	HOLDS(ledger_report(l, &v) == 18);
	HOLDS(ledger_report(l, &v) == 0);
	/* 100 a minute in all. */
	for (int i = 0; i < 150; i++) {
		char text[32];

		snprintf(text, sizeof(text), "198.51.100.%d", i);
		v = visitor(text, v.now);
		HOLDS(ledger_report(l, &v) == (i < 99 ? 1 : 0));
	}
	v.now += 60 * SECOND;
	HOLDS(ledger_report(l, &v) == 2);
}

static struct claim
claim(const char *user, uint32_t most)
{
	return (struct claim){ most, strlen(user), (const uint8_t *)user };
}

static enum user_admission
claims(struct ledger *l, int32_t pid, const char *user, uint32_t most)
{
	const struct claim c = claim(user, most);

	return ledger_admit_user(l, ledger_find(l, pid), &c);
}

static void
check_users(void)
{
	struct ledger *l = ledger();
	const struct limits limits = { .sessions = 9 };

	next_pid = 1;
	for (int i = 0; i < 6; i++)
		HOLDS(enter(l, &limits, "192.0.2.1", 1) == ADMISSION_GRANTED);
	HOLDS(claims(l, 1, "=alice", 2) == USER_GRANTED);
	HOLDS(claims(l, 1, "=alice", 2) == USER_REPEATED);
	HOLDS(claims(l, 2, "=alice", 2) == USER_GRANTED);
	HOLDS(claims(l, 3, "=alice", 2) == USER_DENIED);
	HOLDS(claims(l, 3, "=bob", 2) == USER_REPEATED);
	HOLDS(claims(l, 4, "=bob", 1) == USER_GRANTED);
	HOLDS(claims(l, 5, "alice", 1) == USER_GRANTED);
	leave(l, 2);
	HOLDS(claims(l, 6, "=alice", 2) == USER_GRANTED);
}

/* --- -l --- */

static void
check_places(void)
{
	struct listen_place p;

	HOLDS(place_parse("192.0.2.1:1080", &p) && p.kind == PLACE_ADDRESS &&
	    p.address.family == FAMILY_IPV4 && p.address.port == 1080 &&
	    p.interface[0] == '\0');
	HOLDS(place_parse("[2001:db8::1]:1", &p) && p.kind == PLACE_ADDRESS &&
	    p.address.family == FAMILY_IPV6 && p.address.port == 1);
	HOLDS(place_parse("[fe80::1%eth0]:1080", &p) &&
	    strcmp(p.interface, "eth0") == 0);
	HOLDS(place_parse(":65535", &p) && p.kind == PLACE_BOTH &&
	    p.address.port == 65535);
	HOLDS(place_parse("/run/socket", &p) && p.kind == PLACE_PATH &&
	    strcmp(p.path, "/run/socket") == 0);
	p.kind = PLACE_PATH;
	HOLDS(!place_parse("[fe80::1%sixteencharacter]:1080", &p));
	HOLDS(!place_parse("[fe80::1%a/b]:1080", &p));
	HOLDS(!place_parse("192.0.2.1%eth0:1080", &p));
	HOLDS(!place_parse("[::ffff:192.0.2.1]:1080", &p));
	HOLDS(!place_parse("[]:1080", &p) && !place_parse("[:1080", &p));
	HOLDS(!place_parse(":", &p) && !place_parse("", &p));
	HOLDS(!place_parse(":01080", &p) && !place_parse(":+1", &p));
	HOLDS(p.kind == PLACE_PATH);
}

/* --- texts --- */

static void
check_overview(void)
{
	static struct figures f = { .start = 1795640969 * SECOND };
	const struct overview o = { .sessions = 37,
		.total = 12034,
		.good = true,
		.figures = &f };
	const struct overview bad = { .trouble = "c:1: no", .figures = &f };
	char buffer[OVERVIEW_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	f.refused[REFUSAL_RATE] = 2;
	f.refused[REFUSAL_SYSTEM] = 1;
	f.up = UINT64_MAX;
	overview_status(&t, &o);
	HOLDS(strcmp(buffer,
		  "37 sessions, 12034 since "
		  "2026-11-25T21:09:29Z, 3 refused") == 0);
	t = text_in(buffer, sizeof(buffer));
	overview_status(&t, &bad);
	HOLDS(strcmp(buffer, "refusing: c:1: no") == 0);
	t = text_in(buffer, sizeof(buffer));
	for (size_t i = 0; i < FIGURES_RESULTS; i++)
		f.ended[i] = UINT64_MAX;
	overview_metrics(&t, &o);
	HOLDS(!t.cut);
	HOLDS(strstr(buffer, "\nsocks64_sessions 37\n") != NULL);
	HOLDS(strstr(buffer,
		  "\nsocks64_octets_total{direction=\"up\"} "
		  "18446744073709551615\n") != NULL);
	HOLDS(strstr(buffer,
		  "\nsocks64_refused_total{by=\"max-rate-per-"
		  "client\"} 2\n") != NULL);
	HOLDS(strstr(buffer, "\nsocks64_start_time_seconds 1795640969\n") !=
	    NULL);
	HOLDS(strstr(buffer, "result=\"open\"") == NULL);
}

/* --- inputs --- */

static void
put(const char *name, const char *text)
{
	const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	HOLDS(fd >= 0 &&
	    write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

/* In the working directory, whose files are older than a second. */
static void
check_inputs(void)
{
	inputs_note("no/such"); /* nobody watches */
	HOLDS(!inputs_changed());
	inputs_watch();
	inputs_note("old");
	inputs_note("absent");
	HOLDS(!inputs_changed());
	put("absent", "");
	HOLDS(inputs_changed());
	unlink("absent");
	HOLDS(!inputs_changed());
	put("old", "other");
	HOLDS(inputs_changed());
}

/* What had changed just before counts once more, and then no more. */
static void
check_young(void)
{
	put("young", "x");
	inputs_watch();
	inputs_note("young");
	HOLDS(!inputs_changed());
	usleep(1100 * 1000);
	HOLDS(inputs_changed());
}

/* A name is not its content. */
static void
check_name(void)
{
	const int fd = open("old", O_RDWR);

	inputs_watch();
	inputs_note_name("old", fd);
	put("old", "written");
	HOLDS(!inputs_changed());
	HOLDS(rename("old", "other") == 0);
	HOLDS(inputs_changed());
	put("old", "written");
	HOLDS(inputs_changed());
}

static void
check_many(void)
{
	inputs_watch();
	for (int i = 0; i < 512; i++)
		inputs_note("absent");
	HOLDS(!inputs_changed());
	HOLDS(inputs_complete() && inputs_path(512) == NULL);
	inputs_note("absent");
	HOLDS(inputs_changed());
	HOLDS(!inputs_complete() && strcmp(inputs_path(511), "absent") == 0);
	inputs_watch();
	HOLDS(inputs_complete() && inputs_path(0) == NULL);
	HOLDS(!inputs_changed());
}

static const struct {
	const char *name;
	void (*run)(void);
} checks[] = {
	{ "keys", check_keys },
	{ "slots", check_slots },
	{ "all-slots", check_all_slots },
	{ "clients", check_clients },
	{ "repair", check_repair },
	{ "rate", check_rate },
	{ "rate-bound", check_rate_bound },
	{ "reports", check_reports },
	{ "users", check_users },
	{ "places", check_places },
	{ "overview", check_overview },
	{ "inputs", check_inputs },
	{ "young", check_young },
	{ "name", check_name },
	{ "many", check_many },
};

int
main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < ARRAY_COUNT(checks); i++)
		if (strcmp(argv[1], checks[i].name) == 0) {
			checks[i].run();
			return 0;
		}
	return 2;
}
