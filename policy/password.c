/* SPDX-License-Identifier: ISC */
/*
 * Checking passwords (RFC 1929 by way of crypt(3)).  No password and no hash
 * stays in memory behind a check, none is ever reported.
 */
#include "policy/password.h"

#include <crypt.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/inputs.h"
#include "base/lines.h"
#include "policy/reader.h"

/* HASH_LINE_MAX: the longest line that counts, a name, a hash, and some of
 * what follows. */
enum { PATH_TEXT = 4096, HASH_LINE_MAX = 2048, SCHEME_TEXT = 16 };

enum { DES_LENGTH = 13 };
enum { COSTS_MAX = 8, COST_TEXT = 48 };

/* --- which file --- */

/* The file's path; false: it is a credential and there is no such directory,
 * or the path is too long. */
static bool
credential_path(const char *name, struct text *path)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");

	if (directory == NULL || directory[0] == '\0')
		return false;
	text_add(path, directory);
	text_add_char(path, '/');
	text_add(path, name);
	return !path->cut;
}

/* Opens `path`; -1 with errno. */
static int
open_path(const char *path)
{
	inputs_note(path);
	/* Non-blocking: a FIFO must not hold up the session. */
	return open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* Opens what `name` means and says in *path what that was. */
static int
open_named(const char *name, struct text *path)
{
	if (strchr(name, '/') != NULL) {
		text_add(path, name);
		return open_path(name);
	}
	if (credential_path(name, path)) {
		const int fd = open_path(path->start);

		if (fd >= 0 || errno != ENOENT)
			return fd;
	}
	*path = text_in(path->start, path->size);
	text_add(path, PASSWORD_FALLBACK_FILE);
	return open_path(path->start);
}

static void
refuse_missing(struct reader *r, const char *name, int error)
{
	const bool nowhere = strchr(name, '/') == NULL && error == ENOENT;

	reader_unreadable(r, NULL, error,
	    nowhere ?
		"; `auth password' needs it, or a credential of the name that "
		"password-file says" :
		"");
}

/* SECURITY: who may write the file may log in as anybody, and who may read it
 * may try its hashes or use what is in it. */
static bool
file_trusted(struct reader *r, int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
		reader_error(r, "is no regular file");
		return false;
	}
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		reader_error(r,
		    "others than its owner may write it: chmod "
		    "go-w");
		return false;
	}
	if ((status.st_mode & S_IROTH) != 0)
		reader_warn(r, "everybody may read it: chmod o-r");
	return true;
}

int
password_open_file(struct reader *r, const char *name)
{
	char buffer[PATH_TEXT];
	struct text path = text_in(buffer, sizeof(buffer));
	struct reader at = *r;
	int fd;

	at.file = name;
	at.line = 0;
	if (strchr(name, '/') != NULL) {
		fd = open_path(name);
	} else if (credential_path(name, &path)) {
		fd = open_path(buffer);
	} else {
		errno = ENOENT;
		fd = -1;
	}
	if (fd == -1) {
		reader_unreadable(&at, NULL, errno, "");
	} else if (!file_trusted(&at, fd)) {
		(void)close(fd);
		fd = -1;
	}
	r->failed = r->failed || at.failed;
	return fd;
}

int
password_open(const struct settings *settings, settings_report *report,
    void *context)
{
	char buffer[PATH_TEXT];
	struct text path = text_in(buffer, sizeof(buffer));
	struct reader r = { .report = report,
		.context = context,
		.file = buffer };
	const char *name = settings->password_file;
	const int fd = open_named(name, &path);

	if (fd < 0) {
		refuse_missing(&r, name, errno);
		return -1;
	}
	if (file_trusted(&r, fd))
		return fd;
	(void)close(fd); /* nothing was written to it */
	return -1;
}

/* --- its lines --- */

/*
 * The next `user:hash[:...]`, cut into user and hash, which is NULL where
 * there is none or the line is no text.  False behind the last.
 */
static bool
next_entry(struct lines *file, const char **user, const char **hash)
{
	size_t length;

	for (char *line = lines_next(file, &length); line != NULL;
	     line = lines_next(file, &length)) {
		if (length == 0 || line[0] == '#')
			continue;
		const bool text = length < HASH_LINE_MAX &&
		    memchr(line, '\0', length) == NULL;
		*user = strsep(&line, ":");
		*hash = line == NULL || !text ? NULL : strsep(&line, ":");
		return true;
	}
	return false;
}

static bool
is_locked(const char *hash)
{
	return hash[0] == '*' || hash[0] == '!';
}

/* Does this libc's crypt(3) compute hashes of that scheme? */
static bool
scheme_known(const char *hash)
{
#ifdef CRYPT_SALT_INVALID
	return crypt_checksalt(hash) != CRYPT_SALT_INVALID;
#else
	/* musl's, which cannot be asked. */
	static const char *const known[] = { "$1$", "$2a$", "$2b$", "$2x$",
		"$2y$", "$5$", "$6$" };

	for (size_t i = 0; i < ARRAY_COUNT(known); i++)
		if (strncmp(hash, known[i], strlen(known[i])) == 0)
			return true;
	return hash[0] != '$';
#endif
}

static bool
hash_possible(const char *hash)
{
	/* Any two letters are a salt of DES, whose hash has 13: what is
	 * longer or shorter may be a password in the clear. */
	if (hash[0] != '$' && hash[0] != '_' && strlen(hash) != DES_LENGTH)
		return false;
	return scheme_known(hash);
}

/* The scheme of the first hash of a file, for the others to be compared. */
struct schemes {
	char first[SCHEME_TEXT]; /* "$6$"; "_"; empty: none yet */
	bool mixed;              /* that was told */
	bool weak;               /* and that one is easily guessed */
};

/* "$y$" of a hash; "_" or "-" of one of DES, which has no dollar. */
static void
scheme_of(const char *hash, char scheme[SCHEME_TEXT])
{
	struct text t = text_in(scheme, SCHEME_TEXT);
	const char *end = hash[0] == '$' ? strchr(hash + 1, '$') : NULL;

	if (end != NULL)
		text_add_octets(&t, hash, (size_t)(end - hash) + 1);
	else
		text_add_char(&t, hash[0] == '_' ? '_' : '-');
}

static void
examine_scheme(struct reader *r, const char *hash, struct schemes *schemes)
{
	char scheme[SCHEME_TEXT];

	scheme_of(hash, scheme);
	if (schemes->first[0] == '\0')
		text_copy(schemes->first, sizeof(schemes->first), scheme);
	if (schemes->mixed || strcmp(scheme, schemes->first) == 0)
		return;
	schemes->mixed = true;
	reader_warn(r,
	    "the hash is of another scheme than the first line's: "
	    "what a login costs may tell which users there are");
}

/* Does a hash have as many letters behind its last dollar as the scheme's
 * have?  One that was cut matches no password. */
static bool
hash_whole(const char *hash)
{
	static const struct {
		const char *scheme;
		size_t length;
	} known[] = {
		{ "$1$", 22 },
		{ "$2a$", 53 },
		{ "$2b$", 53 },
		{ "$2x$", 53 },
		{ "$2y$", 53 },
		{ "$5$", 43 },
		{ "$6$", 86 },
		{ "$7$", 43 },
		{ "$gy$", 43 },
		{ "$y$", 43 },
	};
	static const char letters[] = "./0123456789"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz";
	const char *last = strrchr(hash, '$');

	for (size_t i = 0; i < ARRAY_COUNT(known); i++)
		if (strncmp(hash, known[i].scheme, strlen(known[i].scheme)) ==
		    0)
			return strspn(last + 1, letters) == known[i].length &&
			    strlen(last + 1) == known[i].length;
	return true;
}

/* Nobody sends a name that has these around it. */
static bool
is_bare(const char *user)
{
	const size_t length = strlen(user);

	return length > 0 && strchr(" \t", user[0]) == NULL &&
	    strchr(" \t", user[length - 1]) == NULL;
}

/* NULL, or why nobody can log in by that line. */
static const char *
entry_problem(const char *user, const char *hash)
{
	if (hash == NULL || user[0] == '\0')
		return "no `user:hash' (openssl passwd -6 makes a hash)";
	if (strncmp(user, "\xef\xbb\xbf", 3) == 0)
		return "a byte order mark stands before the user, as a part "
		       "of the name";
	if (!is_bare(user))
		return "there are blanks around the user, as a part of the "
		       "name";
	if (strlen(user) > LOGIN_FIELD_MAX)
		return "a user name has at most 255 octets";
	if (is_locked(hash))
		return NULL;
	if (!hash_possible(hash))
		return "the hash is none that crypt(3) knows "
		       "(openssl passwd -6 makes one)";
	return hash_whole(hash) ?
	    NULL :
	    "the hash is longer or shorter than those of its scheme: no "
	    "password matches it";
}

/* Of DES and of MD5, which a processor tries by the million. */
static bool
is_weak(const char *hash)
{
	return hash[0] != '$' || strncmp(hash, "$1$", 3) == 0 ||
	    strncmp(hash, "$3$", 3) == 0 || strncmp(hash, "$md5", 4) == 0;
}

/* Equal, in a time that does not tell how much of it is. */
static bool
hash_equal(const char *a, const char *b)
{
	const size_t length = strlen(a);
	unsigned difference = 0;

	if (strlen(b) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		difference |= (unsigned)(a[i] ^ b[i]);
	return difference == 0;
}

/* Did crypt(3) say no?  "*0" and "*1" are no hashes.  It says so of a hash
 * that is cut, too; and libxcrypt does not tell want of memory from that. */
static bool
hash_failed(const char *computed, const char *hash)
{
	return (computed == NULL || computed[0] == '*') && hash[0] != '\0';
}

/* Does the password, hashed as `hash` was, give it? */
static enum password
password_matches(const char *password, const char *hash)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	enum password result = PASSWORD_WRONG;

	if (data == NULL)
		return PASSWORD_FAILED;
	const char *computed = crypt_r(password, hash, data);
	if (hash_failed(computed, hash))
		result = PASSWORD_FAILED;
	else if (computed != NULL && hash_equal(computed, hash))
		result = PASSWORD_RIGHT;
	explicit_bzero(data, sizeof(*data));
	free(data);
	return result;
}

static void
examine_entry(struct reader *r, const char *user, const char *hash,
    struct schemes *schemes)
{
	const char *problem = entry_problem(user, hash);

	if (problem != NULL)
		reader_error(r, problem);
	if (problem != NULL || is_locked(hash))
		return;
	if (!schemes->weak && is_weak(hash)) {
		schemes->weak = true;
		reader_warn(r,
		    "the hash is of DES or MD5, which are guessed fast: "
		    "openssl passwd -6 makes a better one");
	}
	examine_scheme(r, hash, schemes);
}

bool
password_examine(int fd, const struct settings *settings,
    settings_report *report, void *context)
{
	struct reader r = { .report = report,
		.context = context,
		.file = settings->password_file };
	struct schemes schemes = { .mixed = false };
	struct lines file;
	const char *user;
	const char *hash;

	lines_start(&file, fd);
	while (next_entry(&file, &user, &hash)) {
		r.line = file.number;
		examine_entry(&r, user, hash, &schemes);
	}
	explicit_bzero(&file, sizeof(file));
	return !r.failed;
}

/* Up to its salt a hash says what it costs: "$6$", "$6$rounds=9$", "$2b$12$",
 * "$y$j9T$", "$7$" and eleven letters, "_" and four.  Returns how many letters
 * that are. */
static size_t
cost_length(const char *hash)
{
	static const struct {
		const char *scheme;
		size_t letters; /* 0: up to the next dollar */
	} known[] = { { "_", 4 }, { "$7$", 11 }, { "$2", 0 }, { "$gy$", 0 },
		{ "$sha1$", 0 }, { "$y$", 0 }, { "$5$rounds=", 0 },
		{ "$6$rounds=", 0 } };
	const char *end = hash[0] == '$' ? strchr(hash + 1, '$') : NULL;
	size_t length = end == NULL ? 1 : (size_t)(end - hash) + 1;

	for (size_t i = 0; i < ARRAY_COUNT(known); i++)
		if (strncmp(hash, known[i].scheme, strlen(known[i].scheme)) ==
		    0)
			length += known[i].letters != 0 ?
			    strnlen(hash + length, known[i].letters) :
			    strcspn(hash + length, "$");
	return length;
}

bool
password_each_cost(int fd, password_tell_cost *tell, void *context)
{
	char told[COSTS_MAX][COST_TEXT];
	size_t count = 0;
	struct lines file;
	const char *user;
	const char *hash;
	bool all = true;

	lines_start(&file, fd);
	while (next_entry(&file, &user, &hash)) {
		char cost[COST_TEXT] = "";
		struct text t = text_in(cost, sizeof(cost));
		size_t i = 0;

		if (entry_problem(user, hash) != NULL || is_locked(hash))
			continue;
		text_add_octets(&t, hash, cost_length(hash));
		while (i < count && strcmp(told[i], cost) != 0)
			i++;
		all = all && i < COSTS_MAX;
		if (i < count || count == COSTS_MAX)
			continue;
		memcpy(told[count++], cost, sizeof(cost));
		tell(context, file.number, hash);
	}
	explicit_bzero(&file, sizeof(file));
	return all;
}

bool
password_computes(const char *hash)
{
	return password_matches("", hash) != PASSWORD_FAILED;
}

/* --- a login --- */

/* What a login is compared with. */
struct hashes {
	bool found; /* the user has a line, whatever stands in it */
	bool known; /* `own` is the user's, else it is somebody's */
	char own[HASH_LINE_MAX];
};

static bool
user_equal(const struct login *login, const char *user)
{
	return strlen(user) == login->user_length &&
	    memcmp(user, login->user, login->user_length) == 0;
}

/*
 * Reads to the end of the file, wherever the user stands.  SECURITY: a user
 * who is unknown or locked costs a hash all the same, the first of the file
 * that costs anything.  False: the file was not read to its end.
 */
static bool
hashes_find(struct hashes *hashes, int fd, const struct login *login)
{
	struct lines file;
	const char *user;
	const char *hash;

	lines_start(&file, fd);
	while (next_entry(&file, &user, &hash)) {
		const bool own = !hashes->found && user_equal(login, user);

		if (hash == NULL || hashes->known)
			continue;
		hashes->found = hashes->found || own;
		if (is_locked(hash) || !hash_possible(hash) ||
		    (hashes->own[0] != '\0' && !own))
			continue;
		memcpy(hashes->own, hash, strlen(hash) + 1);
		hashes->known = own;
	}
	const bool whole = !file.failed;
	explicit_bzero(&file, sizeof(file));
	return whole;
}

enum password
password_check(int fd, const struct login *login)
{
	struct hashes hashes = { .known = false };
	char password[LOGIN_FIELD_MAX + 1];
	/* SECURITY: crypt would end at a NUL, and take a shorter password. */
	const bool whole = login->password_length <= LOGIN_FIELD_MAX &&
	    memchr(login->password, '\0', login->password_length) == NULL;
	const size_t length = whole ? login->password_length : 0;

	const bool read = hashes_find(&hashes, fd, login);
	memcpy(password, login->password, length);
	password[length] = '\0';
	enum password result = password_matches(password, hashes.own);
	/* SECURITY: the first line's password opens that line's name only. */
	if (result == PASSWORD_RIGHT && !(whole && hashes.known))
		result = PASSWORD_WRONG;
	if (result == PASSWORD_WRONG && !read && !hashes.known)
		result = PASSWORD_FAILED;
	explicit_bzero(password, sizeof(password));
	explicit_bzero(&hashes, sizeof(hashes));
	return result;
}
