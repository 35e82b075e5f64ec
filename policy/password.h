/* SPDX-License-Identifier: ISC */
/*
 * The password file: lines of `user:hash[:...]`, hash as crypt(3) makes it.
 * It is opened before the sandbox and read only when a client logs in.
 */
#ifndef SOCKS64_POLICY_PASSWORD_H
#define SOCKS64_POLICY_PASSWORD_H

#include <stdbool.h>

#include "policy/settings.h"
#include "wire/login.h"

struct reader;

#define PASSWORD_FALLBACK_FILE "/etc/socks64/passwords"

/*
 * Opens the file that settings->password_file means: a path, or a credential
 * in $CREDENTIALS_DIRECTORY, or without that PASSWORD_FALLBACK_FILE.  Refuses
 * what others than its owner may write, warns of what everybody may read.
 * Returns the descriptor, the caller's; -1: the error was reported.
 */
int password_open(const struct settings *settings, settings_report *report,
    void *context);

/*
 * Opens a file with secrets by its path, or as a credential in
 * $CREDENTIALS_DIRECTORY where `name' has no slash, and refuses or warns as
 * password_open() does.  -1: the error was reported.
 */
int password_open_file(struct reader *r, const char *name);

/* Reports each line of the file that nobody could ever log in with, for -t.
 * False: there was one. */
bool password_examine(int fd, const struct settings *settings,
    settings_report *report, void *context);

/* Is told a line of the file, and its hash, which is gone afterwards. */
typedef void password_tell_cost(void *context, unsigned line,
    const char *hash);

/*
 * For -t: tells the first hash of each cost (the scheme and its parameters)
 * that the file has, of 8 costs at most.  Lines by which nobody can log in are
 * left out.  False: there are more costs.
 */
bool password_each_cost(int fd, password_tell_cost *tell, void *context);

/* Computes a hash as that one was, which costs what it says.  False: crypt(3)
 * cannot, or has not the memory. */
bool password_computes(const char *hash);

/* Zero is the safe value. */
enum password {
	PASSWORD_WRONG, /* or there is no such user */
	PASSWORD_RIGHT,
	PASSWORD_FAILED, /* this machine could not tell: the file was not to be
			  * read, or there was no memory for the hash */
};

/*
 * Is that the user's password?  The file is read by pread(2) from its start,
 * so processes that share the descriptor do not disturb each other.  An
 * unknown user costs one hash of the scheme of the first line, as a known one
 * would.  All secrets that this held are wiped; those of `login` are the
 * caller's to wipe.  It takes as long as the hash does, and never waits.
 */
enum password password_check(int fd, const struct login *login);

#endif
