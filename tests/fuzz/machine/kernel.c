/* SPDX-License-Identifier: ISC */
/*
 * Descriptors, time, memory, and the handler's beginning and end.
 *
 * The handler is a process that ends: here its data is put back to what it was
 * before the first run, its memory is freed, and exit(2) is a jump.
 */
#include "tests/fuzz/machine/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
	CALLS_MAX = 400000,
	TURNS_MAX = 200000,
	START_SECONDS = 1000, /* of the monotonic clock */
	UTC_SECONDS = 1790000000,
	LINE_SIZE = 4096,
};

/* What is left to wait for once all peers are gone. */
static const int64_t end_within = INT64_C(4000) * 1000000;

struct machine machine;

int handler_main(int argc, char **argv);

/* ld makes these of the sections' names (tests.mk). */
extern uint8_t __start_handler_data[];
extern uint8_t __stop_handler_data[];
extern uint8_t __start_handler_bss[];
extern uint8_t __stop_handler_bss[];
/* base/seldom.h: by itself, for compilers differ in its type. */
extern uint8_t __start_handler_seldom[];
extern uint8_t __stop_handler_seldom[];

static jmp_buf end;
static int64_t closed_at;

_Noreturn void
machine_fail(const char *why)
{
	fprintf(stderr, "machine: %s\n", why);
	abort();
}

void
machine_check(bool holds, const char *why)
{
	if (!holds)
		machine_fail(why);
}

static void
count_call(void)
{
	if (++machine.calls > CALLS_MAX)
		machine_fail("the handler spins");
}

/* ------------------------------------------------------------- memory */

struct block {
	struct block *next;
	struct block *before;
};

static struct block blocks = { &blocks, &blocks };

void *
hook_malloc(size_t size)
{
	struct block *b = malloc(sizeof(*b) + size);

	if (b == NULL)
		return NULL;
	b->next = blocks.next;
	b->before = &blocks;
	b->next->before = b;
	blocks.next = b;
	return b + 1;
}

void
hook_free(void *memory)
{
	struct block *b;

	if (memory == NULL)
		return;
	b = (struct block *)memory - 1;
	b->next->before = b->before;
	b->before->next = b->next;
	free(b);
}

void *
hook_realloc(void *memory, size_t size)
{
	struct block *b;

	if (memory == NULL)
		return hook_malloc(size);
	b = (struct block *)memory - 1;
	b->next->before = b->before;
	b->before->next = b->next;
	b = realloc(b, sizeof(*b) + size);
	if (b == NULL)
		machine_fail("there is no memory");
	b->next = blocks.next;
	b->before = &blocks;
	b->next->before = b;
	blocks.next = b;
	return b + 1;
}

void *
hook_calloc(size_t n, size_t size)
{
	void *memory = hook_malloc(n * size);

	if (memory != NULL)
		memset(memory, 0, n * size);
	return memory;
}

void *
hook_reallocarray(void *memory, size_t n, size_t size)
{
	return hook_realloc(memory, n * size);
}

char *
hook_strdup(const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy = hook_malloc(size);

	return copy == NULL ? NULL : memcpy(copy, text, size);
}

static void
memory_free(void)
{
	struct block *next;

	for (struct block *b = blocks.next; b != &blocks; b = next) {
		next = b->next;
		free(b);
	}
	blocks.next = blocks.before = &blocks;
}

/* ------------------------------------------------- the handler's data */

/* Past the red zones of ASan. */
__attribute__((no_sanitize("address", "undefined"))) static void
copy(volatile uint8_t *to, const volatile uint8_t *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = from[i];
}

/* Some of the handler's data, and what it was at first; whole pages of it are
 * a file, of which only those that were written to have to be read again. */
struct part {
	uint8_t *start;
	const uint8_t *stop;
	uint8_t *first; /* NULL: not known yet */
	uint8_t *pages; /* the first whole page */
	size_t length;  /* of all whole pages */
	int file;
};

static void
part_keep(struct part *p)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	const size_t length = (size_t)(p->stop - p->start);
	const size_t before = (size - (uintptr_t)p->start % size) % size;

	p->first = malloc(length + 1);
	p->file = memfd_create("handler", MFD_CLOEXEC);
	machine_check(p->first != NULL && p->file != -1, "no memory");
	copy(p->first, p->start, length);
	if (length < before + size)
		return;
	p->pages = p->start + before;
	p->length = (length - before) / size * size;
	machine_check(write(p->file, p->first + before, p->length) ==
		(ssize_t)p->length,
	    "no memory");
}

static void
part_put_back(struct part *p)
{
	if (p->pages == NULL) {
		copy(p->start, p->first, (size_t)(p->stop - p->start));
		return;
	}
	const size_t before = (size_t)(p->pages - p->start);
	const size_t behind = before + p->length;

	copy(p->start, p->first, before);
	copy(p->start + behind, p->first + behind,
	    (size_t)(p->stop - p->start) - behind);
	machine_check(mmap(p->pages, p->length, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_FIXED, p->file, 0) == p->pages,
	    "no memory");
}

/* Of a build that counts (tests/coverage): keeps what was counted so far, for
 * the counters are put back, too. */
void counted_dump(void) __attribute__((weak));

static void
handler_reset(void)
{
	static struct part parts[] = {
		{ .start = __start_handler_data, .stop = __stop_handler_data },
		{ .start = __start_handler_bss, .stop = __stop_handler_bss },
		{ .start = __start_handler_seldom,
		    .stop = __stop_handler_seldom },
	};

	if (counted_dump != NULL)
		counted_dump();
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i].first == NULL)
			part_keep(&parts[i]);
		else
			part_put_back(&parts[i]);
	}
}

/* -------------------------------------------------------- descriptors */

struct thing *
thing_new(enum thing_kind kind)
{
	for (size_t i = 0; i < THINGS; i++) {
		struct thing *t = &machine.things[i];

		if (t->kind != KIND_FREE || t->in.at != NULL ||
		    t->out.at != NULL)
			continue;
		*t = (struct thing){ .kind = kind };
		return t;
	}
	machine_fail("more than 256 things were open");
}

int
fd_new(struct thing *thing, int least)
{
	for (int fd = least; fd < THINGS; fd++) {
		if (machine.fds[fd] != -1)
			continue;
		machine.fds[fd] = (int)(thing - machine.things);
		thing->references++;
		return fd;
	}
	errno = EMFILE;
	return -1;
}

struct thing *
thing_of(int fd)
{
	count_call();
	if (fd < 0 || fd >= THINGS || machine.fds[fd] == -1) {
		errno = EBADF;
		return NULL;
	}
	return &machine.things[machine.fds[fd]];
}

/* What a peer had from it is kept for the judge. */
void
thing_release(struct thing *thing)
{
	if (--thing->references > 0)
		return;
	if (thing->kind == KIND_STREAM)
		stream_close(thing);
	if (thing->kind == KIND_DATAGRAMS) {
		octets_free(&thing->in);
		octets_free(&thing->out);
	}
	thing->kind = KIND_FREE;
}

int
hook_close(int fd)
{
	struct thing *thing = thing_of(fd);

	if (thing == NULL) {
		machine_check(fd < 0, "a descriptor was closed twice");
		return -1;
	}
	machine.fds[fd] = -1;
	thing_release(thing);
	return 0;
}

int
hook_dup2(int fd, int to)
{
	struct thing *thing = thing_of(fd);

	if (thing == NULL || to < 0 || to >= THINGS)
		return -1;
	thing->references++;
	if (machine.fds[to] != -1)
		(void)hook_close(to);
	machine.fds[to] = (int)(thing - machine.things);
	return to;
}

int
hook_fcntl(int fd, int command, ...)
{
	struct thing *thing = thing_of(fd);
	va_list list;
	long argument;

	va_start(list, command);
	argument = va_arg(list, long);
	va_end(list);
	if (thing == NULL)
		return -1;
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC: return fd_new(thing, (int)argument);
	case F_SETPIPE_SZ: return 1 << 20;
	case F_GETPIPE_SZ: return 1 << 16;
	case F_GETFL: return O_RDWR;
	default: return 0;
	}
}

/* -------------------------------------------------------------- octets */

void
octets_put(struct octets *o, const void *data, size_t length)
{
	if (length == 0)
		return;
	if (o->size - o->written < length) {
		o->size = 2 * (o->written + length);
		o->at = realloc(o->at, o->size);
		if (o->at == NULL)
			machine_fail("there is no memory");
	}
	memcpy(o->at + o->written, data, length);
	o->written += length;
}

size_t
octets_left(const struct octets *o)
{
	return o->written - o->read;
}

size_t
octets_take(struct octets *o, void *out, size_t length)
{
	if (length > octets_left(o))
		length = octets_left(o);
	if (length > 0 && out != NULL)
		memcpy(out, o->at + o->read, length);
	o->read += length;
	return length;
}

void
octets_free(struct octets *o)
{
	free(o->at);
	*o = (struct octets){ .at = NULL };
}

/* ---------------------------------------------------------------- time */

int
hook_clock_gettime(clockid_t clock, struct timespec *now)
{
	const int64_t seconds = clock == CLOCK_REALTIME ? UTC_SECONDS :
							  START_SECONDS;

	count_call();
	now->tv_sec = seconds + machine.now / 1000000;
	now->tv_nsec = machine.now % 1000000 * 1000;
	return 0;
}

int
hook_gettimeofday(struct timeval *now, void *zone)
{
	(void)zone;
	now->tv_sec = UTC_SECONDS + machine.now / 1000000;
	now->tv_usec = machine.now % 1000000;
	return 0;
}

static short
events_of(const struct pollfd *fd)
{
	const struct thing *thing = thing_of(fd->fd);
	short events = POLLOUT;

	machine_check(thing != NULL, "a closed descriptor was waited for");
	switch (thing->kind) {
	case KIND_STREAM: events = stream_events(thing); break;
	case KIND_SIGNALS:
		events = family_has_signal() ? POLLIN : (short)0;
		break;
	case KIND_MESSAGES: /* fall through */
	case KIND_LISTENER: events = thing->queued > 0 ? POLLIN : 0; break;
	case KIND_DATAGRAMS:
		if (thing->queued > 0)
			events |= POLLIN;
		if (thing->error != 0)
			events |= POLLERR;
		break;
	case KIND_FREE: machine_fail("a descriptor leads nowhere");
	default: break;
	}
	return (short)(events & (fd->events | POLLERR | POLLHUP | POLLNVAL));
}

static int
look(struct pollfd *fds, size_t n)
{
	int ready = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i].revents = 0;
		if (fds[i].fd >= 0)
			fds[i].revents = events_of(&fds[i]);
		if (fds[i].revents != 0)
			ready++;
	}
	return ready;
}

/* With nothing to come any more, all waits end some time. */
static void
check_end(void)
{
	if (!machine.closed)
		return;
	if (closed_at == 0)
		closed_at = machine.now + 1;
	machine_check(machine.now - closed_at < end_within,
	    "the session outlives its peers");
}

static int
sleep_for(int64_t microseconds)
{
	machine.now += microseconds;
	check_end();
	return 0;
}

int
hook_ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout,
    const sigset_t *mask)
{
	const int64_t until = timeout == NULL ?
	    INT64_MAX :
	    machine.now + timeout->tv_sec * 1000000 + timeout->tv_nsec / 1000;

	(void)mask;
	for (unsigned turns = 0; turns < TURNS_MAX; turns++) {
		int ready;

		count_call();
		if (process_takes_signal()) {
			errno = EINTR;
			return -1;
		}
		ready = look(fds, n);
		if (ready > 0)
			return ready;
		if (machine.now >= until)
			return 0;
		if (script_turn())
			continue;
		if (machine.pause > 0 && machine.now + machine.pause < until) {
			machine.now += machine.pause;
			machine.pause = 0;
			continue;
		}
		if (timeout == NULL)
			machine_fail("the session waits for ever");
		if (machine.pause > 0)
			machine.pause -= until - machine.now;
		return sleep_for(until - machine.now);
	}
	machine_fail("the script does not end");
}

int
hook_poll(struct pollfd *fds, nfds_t n, int milliseconds)
{
	const struct timespec timeout = { .tv_sec = milliseconds / 1000,
		.tv_nsec = milliseconds % 1000 * 1000000 };

	return hook_ppoll(fds, n, milliseconds < 0 ? NULL : &timeout, NULL);
}

/* ------------------------------------------------------ start and end */

_Noreturn void
hook__exit(int status)
{
	machine.status = status;
	longjmp(end, 1);
}

/* In a row, as the kernel lays them out. */
static int
fill_arguments(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = line;
	line = (char *)memccpy(line, "socks64-handler", '\0', LINE_SIZE);
	for (size_t i = 0; i < ARGUMENTS_MAX; i++) {
		const char *argument = machine.scenario.arguments[i];

		if (argument == NULL)
			break;
		argv[argc++] = line;
		line = (char *)memccpy(line, argument, '\0', LINE_SIZE / 8);
		machine_check(line != NULL, "an argument is too long");
	}
	argv[argc] = NULL;
	return argc;
}

static void
run(void)
{
	static char line[2 * LINE_SIZE];
	static char *argv[ARGUMENTS_MAX + 2];
	const int argc = fill_arguments(line, argv);

	optind = 0;
	if (setjmp(end) == 0)
		machine.status = handler_main(argc, argv);
}

static void
client_connect(void)
{
	static const uint8_t ipv6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 7 };
	static const uint8_t ours[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };
	const struct scenario *s = &machine.scenario;
	struct thing *t = thing_new(KIND_STREAM);

	t->client = true;
	t->connected = true;
	t->bound = true;
	if (s->client_ipv6) {
		t->family = FAMILY_IPV6;
		t->peer = address_ipv6(ipv6, 4711);
		t->local = address_ipv6(ours, 1080);
	} else if (!s->client_unix) {
		t->family = FAMILY_IPV4;
		t->peer = address_ipv4((const uint8_t[]){ 192, 0, 2, 7 },
		    4711);
		t->local = address_ipv4((const uint8_t[]){ 192, 0, 2, 1 },
		    1080);
	}
	octets_put(&t->in, s->prelude, s->prelude_length);
	machine.client = t;
	(void)fd_new(t, 0);
}

static void
start(const struct scenario *scenario)
{
	machine.scenario = *scenario;
	for (size_t i = 0; i < THINGS; i++)
		machine.fds[i] = -1;
	machine.now = 0;
	machine.pause = 0;
	machine.calls = 0;
	machine.over = false;
	machine.closed = false;
	machine.term = false;
	machine.term_read = false;
	machine.status = -1;
	machine.records = 0;
	machine.result[0] = '\0';
	machine.record_up = 0;
	machine.record_down = 0;
	machine.record_ftp = false;
	machine.sent_to = (struct address){ .family = FAMILY_NONE };
	closed_at = 0;
	names_reset();
	files_reset();
	process_reset();
	judge_reset();
	script_start();
	machine.client = NULL;
	machine.accepted = NULL;
	if (scenario->listens)
		(void)fd_new(thing_new(KIND_NULL), 0);
	else
		client_connect();
	(void)fd_new(thing_new(KIND_OUTPUT), 1);
	(void)fd_new(thing_new(KIND_OUTPUT), 2);
}

static void
end_all(void)
{
	for (size_t i = 0; i < THINGS; i++) {
		octets_free(&machine.things[i].in);
		octets_free(&machine.things[i].out);
		machine.things[i].kind = KIND_FREE;
		machine.things[i].references = 0;
	}
	memory_free();
}

void
machine_run(const struct scenario *scenario)
{
	handler_reset();
	start(scenario);
	run();
	judge();
	end_all();
}
