/* SPDX-License-Identifier: ISC */
/*
 * `names ask': the gateway is asked whether a name is there, by ADDRESS
 * ASSOCIATE (draft-kitamura-socks-ipv6-01), once for each new one.
 */
#ifndef SOCKS64_LIB_ASK_H
#define SOCKS64_LIB_ASK_H

#include <stdbool.h>
#include <stdint.h>

/* Waits for the gateway.  False: it says that there is no such name (REP 04).
 * True in any other case: it has the name, does not know the question (07)
 * or cannot be asked; then the connection tells. */
bool ask_exists(const char *name, uint32_t number);

/* The ADDRESS ID by which that gateway knows the name of that number, while it
 * surely does; 0: there is none.  An ID is nothing to any other gateway.
 * use: it is about to be used there, which makes it live longer. */
uint32_t ask_id(uint32_t number, unsigned gateway, bool use);

/* Did that gateway ever give one? */
bool ask_is_known(unsigned gateway);

#endif
