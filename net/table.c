/*
 * The association table (draft-kitamura-socks-ipv6, and what FTP shares).  It
 * trusts the file as far as its own user: numbers in it are checked before
 * they count anything.
 *
 * An entry becomes valid by its last store, its kind, and ends by its first;
 * so a process that is killed inside the lock, which the kernel then opens,
 * leaves none that is half written.  Slots below `top` are in use or were;
 * nobody looks above it.
 */
#include "net/table.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/wait.h"
#include "wire/text.h"

#define DEFAULT_DIRECTORY "/run/socks64"
#define FILE_NAME "associations"
#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"

enum {
	LAYOUT = 1,
	LOCK_LIMIT = 1000, /* milliseconds */
	LOCK_TICK = 1,
	BOOT_ID_LENGTH = 36,
	USER_MAX = 255,
	AUTH_MAX = 13,
	ID_LEAST = 0x000100, /* 0.0.0.x are the fake addresses of clients */
	ID_TRIES = 64,
	GUESSERS_MAX = TABLE_SLOTS / 4,
	PATH_TEXT = 512,
};

static const char magic[8] = { 'S', '6', '4', 'T', 'A', 'B', 'L', 'E' };

enum kind {
	KIND_NONE, /* a free slot */
	KIND_ID,
	KIND_CONTROL,
	KIND_DATA,
	KIND_BIND,
	KIND_GUESS,
};

struct slot_address {
	uint8_t family;
	uint8_t zero;
	uint16_t port;
	uint8_t octets[16];
};

struct slot_owner {
	struct slot_address client; /* port 0 */
	uint32_t uid;
	char auth[AUTH_MAX + 1];
	uint8_t user_length;
	uint8_t user[USER_MAX];
	uint8_t zero[2]; /* compared too: no padding */
};

/* The addresses: an ID's; the server of a control or data connection; told,
 * IPv4 and IPv6 of a BIND. */
struct slot {
	_Atomic uint32_t kind;
	uint32_t generation;
	int64_t made_at;
	int64_t used_at;
	int64_t expires_at;
	struct slot_owner owner;
	uint32_t number; /* REALID; wrong ones so far */
	uint32_t address_count;
	struct slot_address addresses[TABLE_ADDRESSES_MAX];
	char name[NAME_LENGTH_MAX + 1];
	char rule[TABLE_RULE_TEXT];
};

struct header {
	char magic[8];
	uint32_t layout;
	uint32_t slot_size;
	uint32_t slots;
	uint32_t zero;
	char boot_id[BOOT_ID_LENGTH];
	uint32_t top;
};

struct table_file {
	union {
		struct header header;
		uint8_t octets[TABLE_HEADER_SIZE];
	};
	union {
		struct slot slot;
		uint8_t octets[TABLE_SLOT_SIZE];
	} slots[TABLE_SLOTS];
};

_Static_assert(sizeof(struct slot_owner) == 296, "no padding");
_Static_assert(sizeof(struct slot) <= TABLE_SLOT_SIZE, "a slot fits");
_Static_assert(sizeof(struct table_file) == TABLE_FILE_SIZE, "no padding");

/* --- Opening. --- */

/* The sentence "PATH: what" or, with an errno, "PATH: what: why".  False. */
static bool
refuse(struct table *t, const char *path, const char *what, int error)
{
	struct text problem = text_in(t->problem, sizeof(t->problem));

	text_add_quotable(&problem, path, strlen(path));
	text_add(&problem, what);
	if (error != 0) {
		text_add(&problem, ": ");
		text_add(&problem, strerror(error));
	}
	return false;
}

static bool
boot_id_read(char boot_id[BOOT_ID_LENGTH])
{
	const int fd = open(BOOT_ID_FILE, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd == -1)
		return false;
	n = read(fd, boot_id, BOOT_ID_LENGTH);
	close(fd);
	return n == BOOT_ID_LENGTH;
}

static bool
header_make(struct header *h)
{
	*h = (struct header){ .layout = LAYOUT, .slot_size = TABLE_SLOT_SIZE,
		.slots = TABLE_SLOTS };
	memcpy(h->magic, magic, sizeof(magic));
	return boot_id_read(h->boot_id);
}

/* SECURITY: whoever may write there could put another file in its place. */
static bool
directory_check(struct table *t, int directory, const char *path)
{
	struct stat status;

	if (fstat(directory, &status) != 0)
		return refuse(t, path, "", errno);
	if (status.st_uid != geteuid() && status.st_uid != 0)
		return refuse(t, path, " is another user's", 0);
	if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return refuse(t, path, " may be written by others", 0);
	return true;
}

static bool
file_check(struct table *t, const char *path)
{
	struct stat status;

	if (fstat(t->fd, &status) != 0)
		return refuse(t, path, "", errno);
	if (!S_ISREG(status.st_mode))
		return refuse(t, path, " is not a regular file", 0);
	if (status.st_uid != geteuid())
		return refuse(t, path, " is another user's", 0);
	if ((status.st_mode & 07777) != (S_IRUSR | S_IWUSR))
		return refuse(t, path, " has not mode 0600", 0);
	if (status.st_size != TABLE_FILE_SIZE)
		return refuse(t, path, " is not a table: remove it", 0);
	return true;
}

static bool
header_check(struct table *t, const char *path)
{
	struct header ours;
	const struct header *h = &t->file->header;

	if (!header_make(&ours))
		return refuse(t, BOOT_ID_FILE, " cannot be read", 0);
	if (memcmp(h->magic, ours.magic, sizeof(ours.magic)) != 0 ||
	    h->layout != ours.layout || h->slot_size != ours.slot_size ||
	    h->slots != ours.slots)
		return refuse(t, path, " is not a table of this version: "
		    "remove it", 0);
	if (memcmp(h->boot_id, ours.boot_id, BOOT_ID_LENGTH) != 0)
		return refuse(t, path, " is of an earlier boot: remove it",
		    0);
	return true;
}

/* 0 or an errno.  All blocks are there from the start: a full disk must not
 * become a SIGBUS. */
static int
file_fill(int fd)
{
	struct header header;
	const int error = posix_fallocate(fd, 0, TABLE_FILE_SIZE);

	if (error != 0)
		return error;
	if (!header_make(&header))
		return ENOENT;
	return pwrite(fd, &header, sizeof(header), 0) == sizeof(header) ?
	    0 : EIO;
}

/*
 * Makes a whole table under a name of its own, then links it to the name that
 * all know; where another process was faster its table is the one.  0 or an
 * errno.
 */
static int
file_make(int directory)
{
	char name[64];
	struct text t = text_in(name, sizeof(name));
	uint64_t random;
	int error;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return EIO;
	text_add(&t, FILE_NAME ".");
	text_add_number(&t, random);
	const int fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL |
	    O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
	if (fd == -1)
		return errno;
	error = file_fill(fd);
	close(fd);
	if (error == 0 && linkat(directory, name, directory, FILE_NAME,
	    0) != 0 && errno != EEXIST)
		error = errno;
	unlinkat(directory, name, 0);
	return error;
}

static int
file_open(int directory)
{
	return openat(directory, FILE_NAME,
	    O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static bool
file_find(struct table *t, int directory, const char *path)
{
	int error;

	t->fd = file_open(directory);
	if (t->fd == -1 && errno == ENOENT) {
		error = file_make(directory);
		if (error != 0)
			return refuse(t, path, " cannot be made", error);
		t->fd = file_open(directory);
	}
	if (t->fd == -1)
		return refuse(t, path, "", errno);
	return file_check(t, path);
}

static bool
file_map(struct table *t, const char *path)
{
	void *map = mmap(NULL, TABLE_FILE_SIZE, PROT_READ | PROT_WRITE,
	    MAP_SHARED, t->fd, 0);

	if (map == MAP_FAILED)
		return refuse(t, path, " cannot be mapped", errno);
	t->file = map;
	return header_check(t, path);
}

void
table_close(struct table *t)
{
	if (t->file != NULL)
		munmap(t->file, TABLE_FILE_SIZE);
	if (t->fd != -1)
		close(t->fd);
	t->file = NULL;
	t->fd = -1;
}

static bool
open_in(struct table *t, const char *directory)
{
	char path[PATH_TEXT];
	struct text file = text_in(path, sizeof(path));
	const int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*t = (struct table){ .fd = -1 };
	if (fd == -1)
		return refuse(t, directory, "", errno);
	text_add(&file, directory);
	text_add(&file, "/" FILE_NAME);
	const bool done = directory_check(t, fd, directory) &&
	    file_find(t, fd, path) && file_map(t, path);
	close(fd);
	if (!done)
		table_close(t);
	return done;
}

bool
table_open(struct table *t, const char *directory)
{
	char path[PATH_TEXT];
	struct text second = text_in(path, sizeof(path));
	const char *runtime;

	if (directory != NULL)
		return open_in(t, directory);
	if (open_in(t, DEFAULT_DIRECTORY))
		return true;
	runtime = getenv("XDG_RUNTIME_DIR");
	if (runtime == NULL || *runtime != '/')
		return false;
	text_add(&second, runtime);
	text_add(&second, "/socks64");
	return !second.cut && open_in(t, path);
}

/* --- The lock. --- */

static bool
lock_set(const struct table *t, short type, off_t at)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET,
		.l_start = at, .l_len = 1 };

	return fcntl(t->fd, F_OFD_SETLK, &lock) == 0;
}

/* The octets behind the file stand for the slots: who made a BIND's entry
 * has the lock on its octet as long as it lives. */
static off_t
slot_octet(uint32_t slot)
{
	return (off_t)TABLE_FILE_SIZE + slot;
}

static uint32_t
table_top(const struct table *t)
{
	const uint32_t top = t->file->header.top;

	return top < TABLE_SLOTS ? top : TABLE_SLOTS;
}

static struct slot *
slot_at(const struct table *t, uint32_t i)
{
	return &t->file->slots[i].slot;
}

/* An ID's number rests for a while before another may get it. */
static bool
slot_is_free(const struct slot *s, int64_t now)
{
	if (s->kind == KIND_NONE)
		return true;
	if (s->kind == KIND_ID)
		return now >= s->expires_at + TABLE_ID_REST;
	return now >= s->expires_at;
}

static void
table_trim(struct table *t, int64_t now)
{
	uint32_t top = table_top(t);

	while (top > 0 && slot_is_free(slot_at(t, top - 1), now))
		top--;
	t->file->header.top = top;
}

static void
table_unlock(struct table *t)
{
	lock_set(t, F_UNLCK, 0);
}

/* A session that needs nothing pays nothing: what it could find was there
 * before its client asked for it. */
static bool
is_empty(const struct table *t)
{
	return t->file != NULL && table_top(t) == 0;
}

static bool
table_lock(struct table *t)
{
	const struct deadline until = deadline_in(LOCK_LIMIT);

	if (t->file == NULL)
		return false;
	while (!lock_set(t, F_WRLCK, 0)) {
		if ((errno != EAGAIN && errno != EACCES) ||
		    deadline_passed(until)) {
			struct text problem = text_in(t->problem,
			    sizeof(t->problem));

			text_add(&problem, "the lock of the association "
			    "table was not to be had");
			return false;
		}
		(void)wait_for(NULL, 0, deadline_in(LOCK_TICK));
	}
	return true;
}

/* --- Packing. --- */

static struct slot_address
address_pack(const struct address *a)
{
	struct slot_address packed = { .family = (uint8_t)a->family,
		.port = a->port };

	memcpy(packed.octets, a->octets, sizeof(packed.octets));
	return packed;
}

static struct address
address_unpack(const struct slot_address *packed)
{
	switch (packed->family) {
	case FAMILY_IPV4:
		return address_ipv4(packed->octets, packed->port);
	case FAMILY_IPV6:
		return address_ipv6(packed->octets, packed->port);
	default:
		return (struct address){ .family = FAMILY_NONE };
	}
}

/* Every octet of the result is defined: owners are compared as octets. */
static struct slot_owner
owner_pack(const struct table_owner *owner)
{
	struct slot_owner packed;
	struct text auth;

	memset(&packed, 0, sizeof(packed));
	packed.client = address_pack(&owner->client);
	packed.client.port = 0;
	if (owner->client.family == FAMILY_NONE)
		packed.uid = owner->uid;
	auth = text_in(packed.auth, sizeof(packed.auth));
	text_add(&auth, owner->auth == NULL ? "" : owner->auth);
	if (owner->user != NULL && owner->user_length <= USER_MAX) {
		packed.user_length = (uint8_t)owner->user_length;
		memcpy(packed.user, owner->user, owner->user_length);
	}
	return packed;
}

static void
string_copy(char *to, size_t size, const char *from)
{
	struct text t = text_in(to, size);

	text_add_octets(&t, from, strnlen(from, size - 1));
}

/* --- Finding and taking slots. --- */

/* What is looked for: an owner's live entries of a kind. */
struct search {
	enum kind kind;
	struct slot_owner owner;
	int64_t now;
};

static struct search
search_of(enum kind kind, const struct table_owner *owner, int64_t now)
{
	struct search search;

	memset(&search, 0, sizeof(search));
	search.kind = kind;
	search.owner = owner_pack(owner);
	search.now = now;
	return search;
}

/* SECURITY: the whole owner is compared: address, identity and how it was
 * proved. */
static bool
slot_is_own(const struct slot *s, const struct search *search)
{
	return s->kind == search->kind &&
	    memcmp(&s->owner, &search->owner, sizeof(s->owner)) == 0;
}

typedef bool slot_test(const struct slot *s, const void *what);

/* The youngest that passes the test, or NULL. */
static struct slot *
slot_find(const struct table *t, const struct search *search,
    slot_test *test, const void *what)
{
	const uint32_t top = table_top(t);
	struct slot *found = NULL;

	for (uint32_t i = 0; i < top; i++) {
		struct slot *s = slot_at(t, i);

		if (slot_is_own(s, search) && search->now < s->expires_at &&
		    test(s, what) &&
		    (found == NULL || s->made_at > found->made_at))
			found = s;
	}
	return found;
}

/* What a new entry may be put over, best first. */
struct choice {
	struct slot *free;
	struct slot *own;     /* the owner's least recently used */
	uint32_t own_count;   /* its live ones */
	struct slot *resting; /* the ID that rests longest */
};

static void
choice_note(struct choice *c, struct slot *s, const struct search *search)
{
	const bool live = search->now < s->expires_at;

	if (slot_is_free(s, search->now)) {
		if (c->free == NULL)
			c->free = s;
		return;
	}
	if (!live && (c->resting == NULL ||
	    s->expires_at < c->resting->expires_at))
		c->resting = s;
	if (live && slot_is_own(s, search)) {
		c->own_count++;
		if (c->own == NULL || s->used_at < c->own->used_at)
			c->own = s;
	}
}

/* A slot for one more of the owner, who may have `most`; NULL: full. */
static struct slot *
slot_choose(struct table *t, const struct search *search, uint32_t most)
{
	const uint32_t top = table_top(t);
	struct choice c = { .free = NULL };

	for (uint32_t i = 0; i < top; i++)
		choice_note(&c, slot_at(t, i), search);
	if (c.own_count >= most)
		return c.own;
	if (c.free != NULL)
		return c.free;
	if (top < TABLE_SLOTS) {
		t->file->header.top = top + 1;
		return slot_at(t, top);
	}
	/* SECURITY: nobody's live entry makes room for another's. */
	return c.resting != NULL ? c.resting : c.own;
}

/* Empties it and says whose it is; slot_publish() makes it valid. */
static void
slot_begin(struct slot *s, const struct search *search, int64_t expires_at)
{
	const uint32_t generation = s->generation;

	s->kind = KIND_NONE;
	memset((uint8_t *)s + offsetof(struct slot, generation), 0,
	    sizeof(*s) - offsetof(struct slot, generation));
	s->generation = generation + 1;
	s->owner = search->owner;
	s->made_at = search->now;
	s->used_at = search->now;
	s->expires_at = expires_at;
}

static void
slot_publish(struct slot *s, enum kind kind)
{
	s->kind = kind;
}

static struct table_handle
handle_of(const struct table *t, const struct slot *s)
{
	const size_t offset = (size_t)((const uint8_t *)s -
	    t->file->slots[0].octets);

	return (struct table_handle){
		.slot = (uint32_t)(offset / TABLE_SLOT_SIZE) + 1,
		.generation = s->generation,
	};
}

/* What the handle names, if it is still that; else NULL. */
static struct slot *
slot_of(const struct table *t, const struct table_handle *handle)
{
	struct slot *s;

	if (handle->slot == 0 || handle->slot > table_top(t))
		return NULL;
	s = slot_at(t, handle->slot - 1);
	return s->generation == handle->generation && s->kind != KIND_NONE ?
	    s : NULL;
}

/* --- ADDRESS IDs. --- */

static bool
is_target(const struct slot *s, const void *what)
{
	const struct table_target *target = what;

	if (s->address_count != target->count ||
	    strncmp(s->name, target->name, sizeof(s->name)) != 0)
		return false;
	for (size_t i = 0; i < target->count; i++) {
		const struct address a = address_unpack(&s->addresses[i]);

		if (!address_equal(&a, &target->addresses[i]))
			return false;
	}
	return true;
}

static bool
is_number(const struct slot *s, const void *what)
{
	const uint32_t *number = what;

	return s->number == *number;
}

static bool
is_any(const struct slot *s, const void *what)
{
	(void)s;
	(void)what;
	return true;
}

/* SECURITY: unique in the whole table, whoever its owner, and while it
 * rests. */
static bool
is_number_taken(const struct table *t, uint32_t number)
{
	const uint32_t top = table_top(t);

	for (uint32_t i = 0; i < top; i++)
		if (slot_at(t, i)->kind == KIND_ID &&
		    slot_at(t, i)->number == number)
			return true;
	return false;
}

/* 0: none was found. */
static uint32_t
number_choose(const struct table *t)
{
	for (int i = 0; i < ID_TRIES; i++) {
		uint8_t octets[3];
		uint32_t number;

		if (getrandom(octets, sizeof(octets), 0) != sizeof(octets))
			return 0;
		number = (uint32_t)octets[0] << 16 |
		    (uint32_t)octets[1] << 8 | octets[2];
		if (number >= ID_LEAST && !is_number_taken(t, number))
			return number;
	}
	return 0;
}

static void
id_use(struct slot *s, int64_t now)
{
	const int64_t most = s->made_at + TABLE_ID_LIFE_MAX;

	s->used_at = now;
	s->expires_at = now + TABLE_ID_LIFE < most ? now + TABLE_ID_LIFE :
	    most;
}

static enum table_result
id_make(struct table *t, const struct search *search,
    const struct table_target *target, uint32_t *id)
{
	struct slot *s = slot_find(t, search, is_target, target);
	const uint32_t number = s != NULL ? s->number : number_choose(t);

	if (s != NULL) {
		id_use(s, search->now);
		*id = number;
		return TABLE_OK;
	}
	s = slot_choose(t, search, TABLE_IDS_MAX);
	if (s == NULL)
		return TABLE_FULL;
	if (number == 0)
		return TABLE_UNUSABLE;
	slot_begin(s, search, search->now + TABLE_ID_LIFE);
	s->number = number;
	s->address_count = (uint32_t)target->count;
	for (size_t i = 0; i < target->count; i++)
		s->addresses[i] = address_pack(&target->addresses[i]);
	string_copy(s->name, sizeof(s->name), target->name);
	slot_publish(s, KIND_ID);
	*id = number;
	return TABLE_OK;
}

enum table_result
table_id_make(struct table *t, const struct table_owner *owner,
    const struct table_target *target, int64_t now, uint32_t *id)
{
	const struct search search = search_of(KIND_ID, owner, now);
	enum table_result result;

	if (target->count > TABLE_ADDRESSES_MAX || !table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, now);
	result = id_make(t, &search, target, id);
	table_unlock(t);
	return result;
}

static uint32_t
count_guessers(const struct table *t)
{
	const uint32_t top = table_top(t);
	uint32_t n = 0;

	for (uint32_t i = 0; i < top; i++)
		if (slot_at(t, i)->kind == KIND_GUESS)
			n++;
	return n;
}

/* SECURITY: one in 16 million is a hit for each ID there is; so few guesses
 * a minute make that years. */
static void
guess_count(struct table *t, const struct search *search)
{
	struct slot *s = slot_find(t, search, is_any, NULL);

	if (s == NULL) {
		s = count_guessers(t) < GUESSERS_MAX ?
		    slot_choose(t, search, 1) : NULL;
		if (s == NULL)
			return;
		slot_begin(s, search, search->now + TABLE_GUESS_LIFE);
		slot_publish(s, KIND_GUESS);
	}
	s->number++;
	if (s->number == TABLE_GUESSES_MAX)
		s->expires_at = search->now + TABLE_GUESS_LIFE;
}

static void
target_unpack(const struct slot *s, struct table_target *out)
{
	*out = (struct table_target){ .made_at = s->made_at };
	string_copy(out->name, sizeof(out->name), s->name);
	for (uint32_t i = 0; i < s->address_count &&
	    i < TABLE_ADDRESSES_MAX; i++)
		out->addresses[out->count++] =
		    address_unpack(&s->addresses[i]);
}

static enum table_result
id_find(struct table *t, const struct table_owner *owner, uint32_t id,
    int64_t now, struct table_target *out)
{
	const struct search ids = search_of(KIND_ID, owner, now);
	const struct search guesses = search_of(KIND_GUESS, owner, now);
	const struct slot *wrong = slot_find(t, &guesses, is_any, NULL);
	struct slot *s = slot_find(t, &ids, is_number, &id);

	if (wrong != NULL && wrong->number >= TABLE_GUESSES_MAX)
		return TABLE_NONE;
	if (s == NULL || id < ID_LEAST) {
		guess_count(t, &guesses);
		return TABLE_NONE;
	}
	id_use(s, now);
	target_unpack(s, out);
	return TABLE_OK;
}

enum table_result
table_id_find(struct table *t, const struct table_owner *owner, uint32_t id,
    int64_t now, struct table_target *out)
{
	enum table_result result;

	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, now);
	result = id_find(t, owner, id, now, out);
	table_unlock(t);
	return result;
}

/* --- FTP control connections. --- */

enum table_result
table_control_put(struct table *t, const struct table_owner *owner,
    const struct table_control *control, int64_t now,
    struct table_handle *handle)
{
	const struct search search = search_of(KIND_CONTROL, owner, now);
	struct slot *s;

	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, now);
	s = slot_of(t, handle);
	if (s != NULL && slot_is_own(s, &search)) {
		s->used_at = now;
		s->expires_at = now + TABLE_CONTROL_LIFE;
	} else {
		s = slot_choose(t, &search, TABLE_CONTROLS_MAX);
		if (s != NULL) {
			slot_begin(s, &search, now + TABLE_CONTROL_LIFE);
			s->address_count = 1;
			s->addresses[0] = address_pack(&control->server);
			string_copy(s->name, sizeof(s->name), control->name);
			string_copy(s->rule, sizeof(s->rule), control->rule);
			slot_publish(s, KIND_CONTROL);
			*handle = handle_of(t, s);
		}
	}
	table_unlock(t);
	return s != NULL ? TABLE_OK : TABLE_FULL;
}

static bool
is_name(const struct slot *s, const void *what)
{
	const char *name = what;

	return *name != '\0' && strncmp(s->name, name, sizeof(s->name)) == 0;
}

static bool
is_address(const struct slot *s, const void *what)
{
	const struct address a = address_unpack(&s->addresses[0]);

	return address_equal(&a, what);
}

static enum table_result
control_find(struct table *t, const struct search *search, slot_test *test,
    const void *what, struct table_control *out)
{
	const struct slot *s;

	if (is_empty(t))
		return TABLE_NONE;
	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, search->now);
	s = slot_find(t, search, test, what);
	if (s != NULL) {
		out->server = address_unpack(&s->addresses[0]);
		string_copy(out->name, sizeof(out->name), s->name);
		string_copy(out->rule, sizeof(out->rule), s->rule);
	}
	table_unlock(t);
	return s != NULL ? TABLE_OK : TABLE_NONE;
}

enum table_result
table_control_by_name(struct table *t, const struct table_owner *owner,
    const char *name, int64_t now, struct table_control *out)
{
	const struct search search = search_of(KIND_CONTROL, owner, now);

	return control_find(t, &search, is_name, name, out);
}

enum table_result
table_control_by_address(struct table *t, const struct table_owner *owner,
    const struct address *address, int64_t now, struct table_control *out)
{
	const struct search search = search_of(KIND_CONTROL, owner, now);

	return control_find(t, &search, is_address, address, out);
}

/* --- Announced FTP data connections. --- */

enum table_result
table_data_announce(struct table *t, const struct table_owner *owner,
    const struct address *to, const char *rule, int64_t now,
    struct table_handle *handle)
{
	const struct search search = search_of(KIND_DATA, owner, now);
	struct slot *s;

	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, now);
	s = slot_of(t, handle);
	if (s == NULL || !slot_is_own(s, &search))
		s = slot_choose(t, &search, TABLE_DATA_MAX);
	if (s != NULL) {
		slot_begin(s, &search, now + TABLE_DATA_LIFE);
		s->address_count = 1;
		s->addresses[0] = address_pack(to);
		string_copy(s->rule, sizeof(s->rule), rule);
		slot_publish(s, KIND_DATA);
		*handle = handle_of(t, s);
	}
	table_unlock(t);
	return s != NULL ? TABLE_OK : TABLE_FULL;
}

static bool
is_endpoint(const struct slot *s, const void *what)
{
	const struct address *to = what;

	return is_address(s, to) && s->addresses[0].port == to->port;
}

static enum table_result
data_find(struct table *t, const struct search *search,
    const struct address *to, bool take, char rule[TABLE_RULE_TEXT])
{
	struct slot *s;

	if (is_empty(t))
		return TABLE_NONE;
	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, search->now);
	s = slot_find(t, search, is_endpoint, to);
	if (s != NULL) {
		string_copy(rule, TABLE_RULE_TEXT, s->rule);
		if (take)
			s->kind = KIND_NONE;
	}
	table_unlock(t);
	return s != NULL ? TABLE_OK : TABLE_NONE;
}

enum table_result
table_data_find(struct table *t, const struct table_owner *owner,
    const struct address *to, int64_t now, char rule[TABLE_RULE_TEXT])
{
	const struct search search = search_of(KIND_DATA, owner, now);

	return data_find(t, &search, to, false, rule);
}

enum table_result
table_data_take(struct table *t, const struct table_owner *owner,
    const struct address *to, int64_t now, char rule[TABLE_RULE_TEXT])
{
	const struct search search = search_of(KIND_DATA, owner, now);

	return data_find(t, &search, to, true, rule);
}

/* --- Live BIND ports. --- */

enum table_result
table_bind_put(struct table *t, const struct table_owner *owner,
    const struct table_bind *bind, int64_t until,
    struct table_handle *handle)
{
	const struct search search = search_of(KIND_BIND, owner,
	    clock_now());
	struct slot *s;
	bool held = false;

	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, search.now);
	s = slot_choose(t, &search, TABLE_BINDS_MAX);
	if (s != NULL) {
		slot_begin(s, &search, until);
		s->address_count = 3;
		s->addresses[0] = address_pack(&bind->told);
		s->addresses[1] = address_pack(&bind->ipv4);
		s->addresses[2] = address_pack(&bind->ipv6);
		*handle = handle_of(t, s);
		held = lock_set(t, F_RDLCK, slot_octet(handle->slot));
		if (held)
			slot_publish(s, KIND_BIND);
	}
	table_unlock(t);
	if (s == NULL)
		return TABLE_FULL;
	return held ? TABLE_OK : TABLE_UNUSABLE;
}

void
table_bind_remove(struct table *t, const struct table_handle *handle)
{
	struct slot *s;

	if (handle->slot == 0 || !table_lock(t))
		return;
	s = slot_of(t, handle);
	if (s != NULL)
		s->kind = KIND_NONE;
	lock_set(t, F_UNLCK, slot_octet(handle->slot));
	table_unlock(t);
}

/* What a search for a BIND needs. */
struct bind_search {
	const struct table *table;
	const struct address *announced;
};

/* Has a process still the lock of the slot's octet? */
static bool
slot_is_held(const struct table *t, const struct slot *s)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = slot_octet(handle_of(t, s).slot), .l_len = 1 };

	return fcntl(t->fd, F_OFD_GETLK, &lock) == 0 &&
	    lock.l_type != F_UNLCK;
}

static bool
is_live_bind(const struct slot *s, const void *what)
{
	const struct bind_search *search = what;

	for (size_t i = 0; i < 3; i++) {
		const struct address a = address_unpack(&s->addresses[i]);

		if (a.port == search->announced->port &&
		    address_equal(&a, search->announced))
			return slot_is_held(search->table, s);
	}
	return false;
}

enum table_result
table_bind_find(struct table *t, const struct table_owner *owner,
    const struct address *announced, int64_t now, struct table_bind *out)
{
	const struct search search = search_of(KIND_BIND, owner, now);
	const struct bind_search what = { t, announced };
	const struct slot *s;

	if (!table_lock(t))
		return TABLE_UNUSABLE;
	table_trim(t, now);
	s = slot_find(t, &search, is_live_bind, &what);
	if (s != NULL) {
		out->told = address_unpack(&s->addresses[0]);
		out->ipv4 = address_unpack(&s->addresses[1]);
		out->ipv6 = address_unpack(&s->addresses[2]);
	}
	table_unlock(t);
	return s != NULL ? TABLE_OK : TABLE_NONE;
}
