/* SPDX-License-Identifier: ISC */
/*
 * What ps(1) shows of this process.
 */
#ifndef SOCKS64_LOG_TITLE_H
#define SOCKS64_LOG_TITLE_H

/* Remembers where the kernel keeps the arguments.  Called once, first. */
void title_prepare(int argc, char **argv);

/*
 * Puts a C string there instead of the arguments, cut where the room ends.
 * The environment's room is used too: getenv(3) finds nothing
 * afterwards.
 */
void title_set(const char *title);

#endif
