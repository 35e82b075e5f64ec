/* SPDX-License-Identifier: ISC */
/*
 * Who speaks to a port of SOCKS and does not speak it.  Pure.
 */
#ifndef SOCKS64_WIRE_STRANGER_H
#define SOCKS64_WIRE_STRANGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

/* Adds what the first octets (1 at least) look like: "HTTP (GET)", "SSH"; or
 * those octets themselves. */
void stranger_describe(struct text *t, const uint8_t *octets, size_t length);

#endif
