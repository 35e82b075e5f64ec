/* SPDX-License-Identifier: ISC */
/*
 * The exit statuses of the program, the same for every mode: see EXIT STATUS
 * in socks64-handler(8).
 */
#ifndef SOCKS64_STATUS_H
#define SOCKS64_STATUS_H

enum exit_status {
	STATUS_OK = 0,
	STATUS_USAGE = 64,
	STATUS_SYSTEM = 71,
	STATUS_CONFIG = 78,
};

#endif
