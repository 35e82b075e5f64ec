/* SPDX-License-Identifier: ISC */
/*
 * The settings of socks64(1): client.conf, of the system and of the user, and
 * -o.  Every error is told, not only the first.
 */
#ifndef SOCKS64_LIB_CONFIGURE_H
#define SOCKS64_LIB_CONFIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/gateway.h"
#include "lib/handover.h"
#include "policy/reader.h"

#define CONFIGURE_SYSTEM_FILE "/etc/socks64/client.conf"

struct configuration {
	const char *gateway;       /* as it was written; NULL: nowhere */
	const char *password_file; /* NULL: none */
	struct handover handover;  /* all of it but gateway and login */
};

/* What is read, in this order: a later one wins. */
struct configuration_source {
	const char *file; /* -f; NULL: the system's and the user's */
	const char *const *options;
	size_t count;
};

/* Reads; false: errors were reported. */
bool configure_read(struct configuration *out,
    const struct configuration_source *source, settings_report *report);

/*
 * The login, where the gateway has a user or the password file one: the
 * URL's, $SOCKS64_PASSWORD, the file's.  False: an error was reported.
 */
bool configure_login(struct configuration *c, const struct gateway *gateway,
    settings_report *report);

/* Appends the settings in force, a line each, in their own syntax; `gateway`
 * is the one that is used, its password is ***. */
void configure_dump(const struct configuration *c, const char *gateway,
    struct text *out);

#endif
