/* SPDX-License-Identifier: ISC */
/*
 * Which descriptor is in which epoll set, with what events and data.  While a
 * handshake lasts the registration is ours, with data that nobody else has;
 * then it goes back, and the kernel tells any waiter, also one that slept
 * before connect(2).  Everything here is under the lock of lib/sockets.h.
 */
#ifndef SOCKS64_LIB_REGISTER_H
#define SOCKS64_LIB_REGISTER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* epoll_ctl(2) succeeded: what the program wants, and whether the kernel was
 * told ours instead.  A set that cannot be noted (no memory) is false. */
bool register_add(int set, int fd, const struct epoll_event *event, bool ours);
void register_change(int set, int fd, const struct epoll_event *event);
void register_remove(int set, int fd);

/* What the program wants of fd in that set; NULL: it is not in it. */
const struct epoll_event *register_find(int set, int fd);

/* The handshake of fd begins: its registrations become ours; and ends: they
 * go back. */
void register_take(int fd);
void register_give_back(int fd);

/* The event that a registration of ours has. */
struct epoll_event register_ours(int fd);

/* Is an event that epoll_wait(2) told one of ours?  *fd is its descriptor.
 * This needs no lock. */
bool register_is_ours(const struct epoll_event *event, int *fd);

/* Another socket comes under the number: out of the sets before, into them
 * again behind, as they were. */
void register_leave(int fd);
void register_join(int fd);

/* The number is closed: it is in no set any more. */
void register_forget(int fd);

#endif
