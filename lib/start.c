/* SPDX-License-Identifier: ISC */
/*
 * The constructor of libsocks64.so, and its messages.
 */
#include "lib/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "lib/fakes.h"
#include "lib/place.h"
#include "lib/real.h"

enum { LINE_TEXT = 512, TABLE_NUMBER_LEAST = 100 };

struct handover handover;
bool handover_good;
bool started;

static int table_descriptor = -1;

/* ------------------------------------------------------------- messages */

/* Is stderr still what it was when socks64 started? */
static bool
stderr_is_ours(void)
{
	struct stat status;

	return fstat(STDERR_FILENO, &status) == 0 &&
	    status.st_dev == handover.stderr_device &&
	    status.st_ino == handover.stderr_inode;
}

static void
say(struct text *line)
{
	const int error = errno;

	text_add_char(line, '\n');
	if (stderr_is_ours())
		(void)!real.write(STDERR_FILENO, line->start, line->length);
	errno = error;
}

static void
add_gateway(struct text *t, unsigned i)
{
	if (handover.gateway_count == 0)
		text_add_escaped(t, handover.path, strlen(handover.path));
	else
		address_add_port(t, &handover.gateways[i]);
}

static void
add_fault(struct text *t, const struct dial *d)
{
	switch (d->fault) {
	case FAULT_NONE: break;
	case FAULT_UNREACHED:
		text_add(t, ": ");
		text_add(t, d->cause == 0 ? "it hung up" : strerror(d->cause));
		break;
	case FAULT_NOT_SOCKS: text_add(t, " is no SOCKS5 server"); break;
	case FAULT_USER:
		text_add(t, " refused user ");
		text_add_escaped(t, handover.user, handover.user_length);
		break;
	case FAULT_NO_METHOD:
		text_add(t,
		    handover.user_length == 0 ? " wants a password" :
						" takes no password");
		break;
	}
}

void
say_fault(unsigned gateway, const struct dial *d)
{
	static atomic_bool said;
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	if (d->fault == FAULT_NONE || handover.saying == SAY_NOTHING ||
	    atomic_exchange(&said, true))
		return;
	text_add(&line, "socks64: gateway ");
	add_gateway(&line, gateway);
	add_fault(&line, d);
	say(&line);
}

static void
begin_line(struct text *line)
{
	text_add(line, "socks64[");
	text_add_number(line, (uint64_t)getpid());
	text_add(line, "]: ");
}

/* The name, where there is one, and the port. */
static void
add_peer(struct text *t, const struct entry *e)
{
	char name[NAME_LENGTH_MAX + 1];

	if (e->number == 0 || !fakes_name(e->number, name)) {
		address_add_port(t, &e->peer);
		return;
	}
	text_add_escaped(t, name, strlen(name));
	text_add_char(t, ':');
	text_add_number(t, e->peer.port);
}

static void
say_connection(const struct entry *e)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	begin_line(&line);
	add_peer(&line, e);
	text_add_char(&line, ' ');
	text_add(&line,
	    e->dial.step == DIAL_DONE ? "connected" : strerror(e->dial.error));
	if (e->dial.reply != 0) {
		text_add(&line, " (");
		text_add_padded(&line, e->dial.reply, 2);
		text_add_char(&line, ')');
	}
	text_add(&line, ", ");
	text_add_number(&line,
	    (uint64_t)(clock_microseconds() - e->began + 500) / 1000);
	text_add(&line, " ms");
	say(&line);
}

bool
say_wants(const struct entry *e)
{
	return handover.saying == SAY_ALL ||
	    (handover.saying == SAY_FAULTS && e->dial.fault != FAULT_NONE);
}

void
say_end(const struct entry *e)
{
	const int error = errno;

	say_fault(e->gateway, &e->dial);
	if (handover.saying == SAY_ALL)
		say_connection(e);
	errno = error;
}

void
say_line(const char *what, const char *how)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	if (handover.saying != SAY_ALL)
		return;
	begin_line(&line);
	text_add_escaped(&line, what, strlen(what));
	text_add_char(&line, ' ');
	text_add(&line, how);
	say(&line);
}

static void
say_bad(void)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	begin_line(&line);
	text_add(&line,
	    "$" HANDOVER_VARIABLE " is not what socks64 made: "
	    "the gateway is not used, and what needs it fails");
	text_add_char(&line, '\n');
	(void)!real.write(STDERR_FILENO, line.start, line.length);
}

/* ---------------------------------------------------------------- start */

/*
 * SOCKS64 without a table that is there (socks64 --env, or a descriptor that
 * was closed): this process makes one for itself and those that it starts.
 * Its numbers begin somewhere else, so that an address which wanders between
 * programs without a common table is nobody's, not another name's.
 */
static void
make_table(char *text)
{
	char *word = handover_table(text);
	uint16_t random = 0;
	uint64_t inode;

	(void)!getrandom(&random, sizeof(random), GRND_NONBLOCK);
	const int fd = fakes_create(&handover,
	    1 + random % (fakes_rounds(&handover) / 2), &inode);
	if (fd == -1)
		return;
	/* Out of the way of programs that count on low numbers. */
	const int high = real.fcntl(fd, F_DUPFD, TABLE_NUMBER_LEAST);
	if (high != -1)
		(void)real.close(fd);
	table_descriptor = high == -1 ? fd : high;
	if (word != NULL)
		handover_set_table(word, table_descriptor, inode);
}

void
start(void)
{
	if (started)
		return;
	real_load();
	started = true;
	char *text = getenv(HANDOVER_VARIABLE);
	handover_good = text != NULL && handover_read(text, &handover);
	if (!handover_good) {
		say_bad();
		return;
	}
	if (fakes_open(&handover, handover.table, handover.table_inode))
		table_descriptor = handover.table;
	else
		make_table(text);
}

int
start_table(void)
{
	return table_descriptor;
}

__attribute__((constructor)) static void
construct(void)
{
	const int error = errno;

	start();
	errno = error;
}
