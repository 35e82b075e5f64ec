/* SPDX-License-Identifier: ISC */
/*
 * The one macro with an argument: how many elements an array has.
 */
#ifndef SOCKS64_BASE_ARRAY_H
#define SOCKS64_BASE_ARRAY_H

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
