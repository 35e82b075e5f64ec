/* SPDX-License-Identifier: ISC */
/*
 * Octets become lines here: what was read from the two sides is cut into
 * commands and replies, as far as they may be taken now, and each is handed
 * to alg/translate.h.  Without a socket and without a clock.
 *
 * What may be taken: a reply while there is room to write it on, and none
 * before it waits; a command when, besides, the server has greeted, and none
 * before it waits or is held for an answer (alg/control.h).
 *
 * What the server says before its first code goes on as it is, for programs
 * that start a server may have something to say.  The client has what it says
 * until then looked at: who begins with anything but FTP is left alone.
 */
#ifndef SOCKS64_ALG_INTAKE_H
#define SOCKS64_ALG_INTAKE_H

#include <stddef.h>
#include <stdint.h>

#include "alg/control.h"

/*
 * Takes what may be taken of k->from_server and k->from_client, and appends
 * what becomes of it to k->to_client and k->to_server.  To be called again
 * after some of that was written, as long as either source becomes shorter.
 */
void intake_turn(struct control *k);

enum { INTAKE_FOR_EVER = -1 };

/*
 * Returns for how many milliseconds of the server's silence, in which no data
 * moves, what waits is to wait; INTAKE_FOR_EVER where nothing does.  Behind
 * them the caller calls intake_lose_patience(): a transfer's end is told, a
 * reply that seems to be over is, a command that waits is taken, or those that
 * are held are held no more.
 */
int64_t intake_patience(struct control *k);
void intake_lose_patience(struct control *k);

/* Tells whether lines are over and all that became of them is written: the
 * rest is octets that nobody looks at. */
bool intake_is_over(const struct control *k);

/* The same for who only watches: takes octets of the client, or of the server,
 * which the caller passes on by itself. */
void intake_watch_client(struct control *k, const uint8_t *octets,
    size_t length);
void intake_watch_server(struct control *k, const uint8_t *octets,
    size_t length);

#endif
