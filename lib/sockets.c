/* SPDX-License-Identifier: ISC */
/*
 * The table of descriptors, the entries, and the lock.  Entries are taken in
 * blocks from mmap(2) and never given back; those of sockets that are gone
 * are found when a new one is wanted.
 */
#include "lib/sockets.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/real.h"

enum {
	BLOCK = 32, /* entries that are mapped at once */
	BLOCKS_MAX = 1024,
	ENTRIES_MAX = BLOCK * BLOCKS_MAX,
	PAGE = 4096,
};

_Atomic uint8_t socket_marks[SOCKETS_MAX];
atomic_uint sockets_running;

/* By descriptor: 1 and the number of its entry; 0: none. */
static uint16_t entry_of[SOCKETS_MAX];
static struct entry *blocks[BLOCKS_MAX];
static size_t entries;    /* that are mapped */
static size_t first_free; /* none is free below it */
static int highest = -1;  /* no descriptor above it leads to an entry */

/* This page is empty in a process that was forked off. */
struct shared_page {
	atomic_int lock;
	atomic_int alive;
};

static _Atomic(struct shared_page *) page_pointer;

static pid_t owner; /* of this memory */

/* ------------------------------------------------------------- the lock */

/* NULL: there is none yet. */
static struct shared_page *
page_now(void)
{
	return atomic_load_explicit(&page_pointer, memory_order_acquire);
}

/* Of two threads that make the first call at once one is too late. */
static struct shared_page *
make_page(void)
{
	struct shared_page *known = NULL;
	void *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	struct shared_page *made = at;
	(void)madvise(at, PAGE, MADV_WIPEONFORK);
	owner = getpid();
	atomic_store(&made->alive, 1);
	if (atomic_compare_exchange_strong(&page_pointer, &known, made))
		return made;
	(void)munmap(at, PAGE);
	return known;
}

/* SECURITY: the parent goes on with its handshake on the same connection; two
 * that read from it would both have half a reply. */
static void
after_fork(struct shared_page *page)
{
	for (size_t i = 0; i < entries; i++) {
		struct entry *const e = entry_number(i);

		if (e == NULL)
			continue;
		e->foreign = e->role == ROLE_TCP && dial_runs(&e->dial);
		e->lent = false; /* the parent takes the flag back */
	}
	owner = getpid();
	atomic_store(&page->alive, 1);
}

bool
sockets_are_mine(void)
{
	struct shared_page *page = page_now();

	return page == NULL || !atomic_load(&page->alive) || owner == getpid();
}

void
sockets_hold(struct guard *g)
{
	sigset_t all;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &g->signals);
}

void
sockets_let_go(const struct guard *g)
{
	(void)sigprocmask(SIG_SETMASK, &g->signals, NULL);
}

void
sockets_enter(struct guard *g)
{
	int open = 0;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &g->cancel);
	struct shared_page *page = page_now();
	if (page == NULL)
		page = make_page();
	if (page == NULL)
		return;
	while (!atomic_compare_exchange_weak_explicit(&page->lock, &open, 1,
	    memory_order_acquire, memory_order_relaxed)) {
		open = 0;
		(void)sched_yield();
	}
	if (!atomic_load_explicit(&page->alive, memory_order_relaxed))
		after_fork(page);
}

void
sockets_leave(const struct guard *g)
{
	struct shared_page *page = page_now();

	if (page != NULL)
		atomic_store_explicit(&page->lock, 0, memory_order_release);
	(void)pthread_setcancelstate(g->cancel, NULL);
}

void
sockets_lock(struct guard *g)
{
	sockets_hold(g);
	sockets_enter(g);
}

void
sockets_unlock(const struct guard *g)
{
	sockets_leave(g);
	sockets_let_go(g);
}

/* -------------------------------------------------------------- entries */

uint64_t
socket_cookie(int fd)
{
	uint64_t cookie = 0;
	socklen_t length = sizeof(cookie);

	return real.getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &length) ==
		0 ?
	    cookie :
	    0;
}

struct entry *
entry_number(size_t i)
{
	return i < entries ? &blocks[i / BLOCK][i % BLOCK] : NULL;
}

static size_t
entry_index(const struct entry *e)
{
	for (size_t b = 0; b * BLOCK < entries; b++)
		if (e >= blocks[b] && e < blocks[b] + BLOCK)
			return b * BLOCK + (size_t)(e - blocks[b]);
	return entries;
}

/* What an entry holds beside memory.  A number that was closed and is
 * another's now has another cookie. */
static void
release(struct entry *e)
{
	if (e->role == ROLE_UDP && e->udp.control >= 0 &&
	    socket_cookie(e->udp.control) == e->udp.control_cookie)
		(void)real.close(e->udp.control);
	if (e->shadow >= 0)
		(void)real.close(e->shadow);
	if (e->role == ROLE_TCP && dial_runs(&e->dial) && sockets_run())
		(void)atomic_fetch_sub(&sockets_running, 1);
	e->role = ROLE_FREE;
	e->dial.step = DIAL_NONE;
	e->shadow = -1;
	if (entry_index(e) < first_free)
		first_free = entry_index(e);
}

/* One number less; whatever the lock guards keeps `numbers` exact. */
static void
unmark(int fd)
{
	struct entry *e = entry_of[fd] == 0 ? NULL :
					      entry_number(entry_of[fd] - 1u);

	socket_marks[fd] = 0;
	entry_of[fd] = 0;
	if (e != NULL && --e->numbers == 0)
		release(e);
}

struct entry *
entry_again(int fd)
{
	struct entry *e = fd < 0 || fd >= SOCKETS_MAX || entry_of[fd] == 0 ?
	    NULL :
	    entry_number(entry_of[fd] - 1u);

	return e != NULL && e->role != ROLE_FREE ? e : NULL;
}

/* As entry_at(); and the cookie of the socket, where that was asked, else
 * 0. */
static struct entry *
entry_and_cookie(int fd, uint64_t *cookie)
{
	struct entry *e = entry_again(fd);

	*cookie = e == NULL ? 0 : socket_cookie(fd);
	if (e != NULL && e->cookie == *cookie)
		return e;
	if (fd >= 0 && fd < SOCKETS_MAX && entry_of[fd] != 0)
		unmark(fd);
	return NULL;
}

struct entry *
entry_at(int fd)
{
	uint64_t cookie;

	return entry_and_cookie(fd, &cookie);
}

int
entry_descriptor(const struct entry *e)
{
	const size_t wanted = entry_index(e) + 1;

	for (int fd = 0; fd <= highest; fd++)
		if (entry_of[fd] == wanted)
			return fd;
	return -1;
}

/* Frees the entries that no descriptor leads to any more. */
static void
sweep(void)
{
	for (int fd = 0; fd <= highest; fd++)
		if (entry_of[fd] != 0)
			(void)entry_at(fd);
}

static bool
map_block(void)
{
	if (entries == ENTRIES_MAX)
		return false;
	void *at = mmap(NULL, BLOCK * sizeof(struct entry),
	    PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return false;
	blocks[entries / BLOCK] = at;
	entries += BLOCK;
	return true;
}

static struct entry *
find_free(void)
{
	for (; first_free < entries; first_free++)
		if (entry_number(first_free)->role == ROLE_FREE)
			return entry_number(first_free);
	return NULL;
}

static struct entry *
take_free(void)
{
	struct entry *e = find_free();

	if (e == NULL && entries > 0) {
		sweep();
		e = find_free();
	}
	if (e == NULL && map_block())
		e = find_free();
	return e;
}

static void
lead(int fd, uint16_t number)
{
	entry_of[fd] = number;
	if (fd > highest)
		highest = fd;
}

struct entry *
entry_new(int fd, enum role role)
{
	uint64_t cookie;

	if (fd < 0 || fd >= SOCKETS_MAX)
		return NULL;
	const struct entry *before = entry_and_cookie(fd, &cookie);
	if (before != NULL)
		entry_forget(before, fd);
	struct entry *e = take_free();
	if (e == NULL)
		return NULL;
	memset(e, 0, sizeof(*e));
	e->role = role;
	e->shadow = -1;
	e->udp.control = -1;
	e->numbers = 1;
	e->cookie = cookie != 0 ? cookie : socket_cookie(fd);
	lead(fd, (uint16_t)(entry_index(e) + 1));
	entry_mark(fd, true);
	return e;
}

void
entry_forget(const struct entry *e, int fd)
{
	for (; fd != -1 && e->role != ROLE_FREE; fd = entry_descriptor(e))
		unmark(fd);
}

void
entry_drop(int fd)
{
	const struct entry *e = entry_at(fd);

	if (e != NULL)
		entry_forget(e, fd);
}

void
entry_close(int fd)
{
	if (entry_at(fd) != NULL)
		unmark(fd);
}

void
entry_renew(struct entry *e, int fd)
{
	e->cookie = socket_cookie(fd);
}

void
entry_copy(int from, int to)
{
	struct entry *e = entry_at(from);

	if (to < 0 || to >= SOCKETS_MAX || e == NULL)
		return;
	if (entry_of[to] != 0)
		unmark(to);
	if (e->role == ROLE_FREE)
		return;
	e->numbers++;
	lead(to, entry_of[from]);
	socket_marks[to] = socket_marks[from];
}

void
entry_mark(int fd, bool data)
{
	const struct entry *e = entry_number(entry_of[fd] - 1u);
	const unsigned close = e != NULL && e->shadow != -1 ? MARK_CLOSE : 0;

	socket_marks[fd] = (uint8_t)(data ? MARK_ENTRY | MARK_DATA :
					    MARK_ENTRY | close);
}

/* What the number's socket before it left behind goes at once where it has
 * descriptors of its own; else when the number is wanted. */
void
sockets_made(int fd, bool tcp)
{
	const unsigned before = socket_marks_all(fd);
	struct guard saved;

	if (fd < 0 || fd >= SOCKETS_MAX)
		return;
	if ((before & (MARK_DATA | MARK_CLOSE)) != 0) {
		if (!sockets_are_mine())
			return;
		sockets_lock(&saved);
		(void)entry_at(fd);
		sockets_unlock(&saved);
	}
	if (before != 0 || tcp)
		socket_marks[fd] = tcp ? MARK_MADE : 0;
}

void
sockets_unmake(int fd)
{
	uint8_t made = MARK_MADE;

	if (socket_marks_all(fd) == MARK_MADE)
		(void)atomic_compare_exchange_strong(&socket_marks[fd], &made,
		    0);
}

/* ----------------------------------------------------------------- kinds */

static int
option_of(int fd, int level, int option)
{
	int value = -1;
	socklen_t length = sizeof(value);

	return real.getsockopt(fd, level, option, &value, &length) == -1 ?
	    -1 :
	    value;
}

enum kind
socket_kind(int fd)
{
	/* One call, for what connects most. */
	if (option_of(fd, IPPROTO_TCP, TCP_NODELAY) != -1)
		return KIND_TCP;
	const int type = option_of(fd, SOL_SOCKET, SO_TYPE);
	const int protocol = option_of(fd, SOL_SOCKET, SO_PROTOCOL);
	/* Of a gateway that is a path another socket may be under the number.
	 */
	if (type == SOCK_STREAM &&
	    (protocol == IPPROTO_MPTCP || socket_mark(fd) != 0))
		return KIND_TCP;
	return type == SOCK_DGRAM && protocol == IPPROTO_UDP ? KIND_UDP :
							       KIND_OTHER;
}

enum role
sockets_role(int fd)
{
	struct guard saved;

	sockets_lock(&saved);
	const struct entry *e = entry_at(fd);
	const enum role role = e == NULL ? ROLE_FREE : e->role;
	sockets_unlock(&saved);
	return role;
}
