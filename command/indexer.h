/* SPDX-License-Identifier: ISC */
/*
 * --index: makes the index of a list (policy/index.h).
 */
#ifndef SOCKS64_COMMAND_INDEXER_H
#define SOCKS64_COMMAND_INDEXER_H

/*
 * Makes PATH.cdb of the list PATH and puts it in place by rename(2).  Prints
 * how many entries it has and how many lines were not understood, the first of
 * those on stderr.  Returns the exit status: STATUS_CONFIG where the list
 * cannot be read or nothing was understood, and then there is no new index.
 */
int indexer_run(const char *path);

#endif
