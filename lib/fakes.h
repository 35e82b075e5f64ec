/* SPDX-License-Identifier: ISC */
/*
 * The mapping table of RFC 3089: names, and the fake addresses that stand for
 * them.  One table is shared by all processes that one socks64 started: a
 * memfd, mapped by each of them, appended to without a lock.
 *
 * A name has a number, from 1.  No number ever stands for a second name: when
 * the table is full, one long unused goes with its number, and the new name
 * gets a number that nobody had.
 */
#ifndef SOCKS64_LIB_FAKES_H
#define SOCKS64_LIB_FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/handover.h"
#include "wire/address.h"
#include "wire/name.h"

enum { FAKES_MAX = 65536 };

/*
 * Makes a table and maps it; its first number is behind `rounds` times 65,536
 * (for a table that must not share numbers with others).  Returns the
 * descriptor, with FD_CLOEXEC off, and its inode; -1: errno says why.
 */
int fakes_create(const struct handover *h, unsigned rounds, uint64_t *inode);

/* Maps the table that has that descriptor and inode.  False: it has not. */
bool fakes_open(const struct handover *h, int fd, uint64_t inode);

/* How many rounds of 65,536 numbers the nets have room for, 15 to 4095. */
unsigned fakes_rounds(const struct handover *h);

/* The number of a name (lower case, no trailing dot, 1 to 253 octets), a new
 * one where it has none.  0: they are used up. */
uint32_t fakes_number(const char *name);

/* The name of a number.  False: it has none, or none any more. */
bool fakes_name(uint32_t number, char name[NAME_LENGTH_MAX + 1]);

/* The same in the table itself, for as long as the name is there; NULL. */
char *fakes_text(uint32_t number);

/* Does a pointer go into the table? */
bool fakes_has(const void *pointer);

/* The address that stands for a number; its port is 0. */
struct address fakes_address(const struct handover *h, enum family family,
    uint32_t number);

/* Is the address in one of the nets of fake ones?  *number is its number
 * then, which may be nobody's. */
bool fakes_number_of(const struct handover *h, const struct address *a,
    uint32_t *number);

/* An address that libc gave for a direct name: it is direct from now on, in
 * all processes.  The last 256 of them are kept. */
void fakes_add_direct(const struct address *a);
bool fakes_is_direct(const struct address *a);

/* What all that this socks64 started have in common besides: did one of them
 * ever set SO_SNDTIMEO?  A socket comes from one of them. */
void fakes_note_send_timeout(void);
bool fakes_know_no_send_timeout(void);

#endif
