/* SPDX-License-Identifier: ISC */
/*
 * Registrations in epoll sets: a list for each descriptor, of nodes that are
 * mapped a page at a time and never given back.
 */
#include "lib/register.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "lib/real.h"
#include "lib/sockets.h"

enum { PAGE = 4096, NUMBER_BITS = 24 };

struct node {
	struct node *next;
	struct epoll_event event; /* what the program wants */
	int set;
	bool ours; /* the kernel has ours instead */
};

static struct node *lists[SOCKETS_MAX];
static struct node *free_nodes;

/* ---------------------------------------------------------------- nodes */

static void
map_nodes(void)
{
	struct node *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED)
		return;
	for (size_t i = 0; i < PAGE / sizeof(*at); i++) {
		at[i].next = free_nodes;
		free_nodes = &at[i];
	}
}

static struct node *
take_node(void)
{
	if (free_nodes == NULL)
		map_nodes();
	struct node *n = free_nodes;
	if (n != NULL)
		free_nodes = n->next;
	return n;
}

/* Takes the link's node out of its list; nothing where there is none. */
static void
give_node(struct node **link)
{
	struct node *n = *link;

	if (n == NULL)
		return;
	*link = n->next;
	n->next = free_nodes;
	free_nodes = n;
}

/* The link to the node; to NULL where there is none. */
static struct node **
find_link(int set, int fd)
{
	struct node **link = &lists[fd];

	while (*link != NULL && (*link)->set != set)
		link = &(*link)->next;
	return link;
}

static bool
is_listed(int fd)
{
	return fd >= 0 && fd < SOCKETS_MAX && lists[fd] != NULL;
}

/* --------------------------------------------------- what programs want */

bool
register_add(int set, int fd, const struct epoll_event *event, bool ours)
{
	if (fd < 0 || fd >= SOCKETS_MAX)
		return true; /* never ours */
	struct node **link = find_link(set, fd);
	if (*link == NULL) {
		struct node *n = take_node();

		if (n == NULL)
			return false;
		n->next = NULL;
		*link = n;
	}
	(*link)->set = set;
	(*link)->event = *event;
	(*link)->ours = ours;
	return true;
}

void
register_change(int set, int fd, const struct epoll_event *event)
{
	struct node *const n = is_listed(fd) ? *find_link(set, fd) : NULL;

	if (n != NULL)
		n->event = *event;
}

void
register_remove(int set, int fd)
{
	if (is_listed(fd))
		give_node(find_link(set, fd));
}

const struct epoll_event *
register_find(int set, int fd)
{
	const struct node *n = is_listed(fd) ? *find_link(set, fd) : NULL;

	return n == NULL ? NULL : &n->event;
}

void
register_forget(int fd)
{
	while (is_listed(fd))
		give_node(&lists[fd]);
}

/* ---------------------------------------------------------------- ours */

/* A number that no data of a program is, but by an odds of 2^-40. */
static uint64_t
secret(void)
{
	static _Atomic uint64_t number;
	uint64_t known = atomic_load_explicit(&number, memory_order_relaxed);
	uint64_t made = 0;

	while (known == 0) {
		if (getrandom(&made, sizeof(made), GRND_NONBLOCK) == -1)
			made = (uintptr_t)&number;
		/* Another thread may have been first. */
		if (atomic_compare_exchange_strong(&number, &known, made))
			known = made;
	}
	return known >> NUMBER_BITS;
}

struct epoll_event
register_ours(int fd)
{
	return (struct epoll_event){
		.events = EPOLLIN | EPOLLOUT | (uint32_t)EPOLLET,
		.data.u64 = secret() << NUMBER_BITS | (unsigned)fd,
	};
}

bool
register_is_ours(const struct epoll_event *event, int *fd)
{
	*fd = (int)(event->data.u64 & ((1u << NUMBER_BITS) - 1));
	return event->data.u64 >> NUMBER_BITS == secret();
}

/* EPOLLEXCLUSIVE is no event that can be modified. */
static bool
replace(int set, int fd, struct epoll_event *event)
{
	if (real.epoll_ctl(set, EPOLL_CTL_MOD, fd, event) == 0)
		return true;
	return errno == EINVAL &&
	    real.epoll_ctl(set, EPOLL_CTL_DEL, fd, NULL) == 0 &&
	    real.epoll_ctl(set, EPOLL_CTL_ADD, fd, event) == 0;
}

/* A registration that the kernel does not know is of a socket that had the
 * number before. */
static void
replace_all(int fd, bool ours)
{
	struct epoll_event mine = register_ours(fd);

	if (!is_listed(fd))
		return;
	for (struct node **link = &lists[fd]; *link != NULL;) {
		struct node *n = *link;

		if (n->ours == ours) {
			link = &n->next;
		} else if (replace(n->set, fd, ours ? &mine : &n->event)) {
			n->ours = ours;
			link = &n->next;
		} else {
			give_node(link);
		}
	}
}

void
register_take(int fd)
{
	replace_all(fd, true);
}

void
register_give_back(int fd)
{
	replace_all(fd, false);
}

void
register_leave(int fd)
{
	if (!is_listed(fd))
		return;
	for (struct node **link = &lists[fd]; *link != NULL;)
		if (real.epoll_ctl((*link)->set, EPOLL_CTL_DEL, fd, NULL) == 0)
			link = &(*link)->next;
		else
			give_node(link);
}

void
register_join(int fd)
{
	struct epoll_event mine = register_ours(fd);

	if (!is_listed(fd))
		return;
	for (struct node **link = &lists[fd]; *link != NULL;) {
		struct node *n = *link;

		if (real.epoll_ctl(n->set, EPOLL_CTL_ADD, fd,
			n->ours ? &mine : &n->event) == 0)
			link = &n->next;
		else
			give_node(link);
	}
}
