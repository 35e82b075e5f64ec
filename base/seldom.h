/* SPDX-License-Identifier: ISC */
/*
 * Where large static memory lies that most sessions never touch, or only the
 * begin of: behind all other.  What a session writes is then on few pages, and
 * near the program, so that few page tables lead there.
 */
#ifndef SOCKS64_BASE_SELDOM_H
#define SOCKS64_BASE_SELDOM_H

/* Compilers know that a section of this name takes no room in a file, and
 * linkers, which do not know it, put it behind .bss. */
#define SELDOM __attribute__((section(".persistent.bss")))

#endif
