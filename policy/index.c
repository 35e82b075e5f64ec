/* SPDX-License-Identifier: ISC */
/*
 * Indexes of lists.  They are read by pread(2), with nothing remembered: what
 * was opened when the configuration was read is constant from then on, and
 * sessions that share a descriptor do not meet.
 */
#include "policy/index.h"

#include <cdb.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/descriptor.h"
#include "base/inputs.h"
#include "policy/reader.h"
#include "wire/cursor.h"

/* The first octets of a summary: what it is, and of which version. */
enum { MAGIC_SIZE = 16, PATH_TEXT = 4096, DEPTH_MAX = 31 };

/* So many slots of a hash table are read at once; half of them are empty.  So
 * many are looked at in all. */
enum { SLOTS_AT_ONCE = 16, SLOTS_MAX = 1 << 16 };

static const char magic[MAGIC_SIZE] = "socks64 list 1\n";

const uint8_t index_summary_key[1] = { 0 };

/* ------------------------------------------------------------ the summary */

static void
put_number(uint8_t **at, uint64_t number, size_t octets)
{
	for (size_t i = octets; i > 0; i--)
		*(*at)++ = (uint8_t)(number >> (8 * (i - 1)));
}

static uint64_t
take_number(struct cursor *c, size_t octets)
{
	uint64_t number = 0;

	for (size_t i = 0; i < octets; i++)
		number = number << 8 | cursor_u8(c);
	return number;
}

void
index_summary_format(const struct index_summary *is,
    uint8_t octets[INDEX_SUMMARY_SIZE])
{
	const struct net_lengths *lengths = &is->lengths;
	uint8_t *at = octets + MAGIC_SIZE;

	memset(octets, 0, INDEX_SUMMARY_SIZE);
	memcpy(octets, magic, MAGIC_SIZE);
	put_number(&at, is->list.size, 8);
	put_number(&at, (uint64_t)is->list.seconds, 8);
	put_number(&at, is->list.nanoseconds, 4);
	put_number(&at, is->names, 4);
	put_number(&at, is->nets, 4);
	put_number(&at, is->bad, 4);
	put_number(&at, is->sets, 4);
	put_number(&at, is->words, 4);
	put_number(&at, is->name_depths, 4);
	put_number(&at, is->domain_depths, 4);
	put_number(&at, lengths->ipv4, 8);
	for (size_t i = 0; i < ARRAY_COUNT(lengths->ipv6); i++)
		put_number(&at, lengths->ipv6[i], 8);
}

static bool
parse_summary(const uint8_t *octets, struct index_summary *is)
{
	struct cursor c = { .at = octets, .left = INDEX_SUMMARY_SIZE };
	struct net_lengths *lengths = &is->lengths;

	if (memcmp(cursor_take(&c, MAGIC_SIZE), magic, MAGIC_SIZE) != 0)
		return false;
	is->list.size = take_number(&c, 8);
	is->list.seconds = (int64_t)take_number(&c, 8);
	is->list.nanoseconds = (uint32_t)take_number(&c, 4);
	is->names = (uint32_t)take_number(&c, 4);
	is->nets = (uint32_t)take_number(&c, 4);
	is->bad = (uint32_t)take_number(&c, 4);
	is->sets = (uint32_t)take_number(&c, 4);
	is->words = (uint32_t)take_number(&c, 4);
	is->name_depths = (uint32_t)take_number(&c, 4);
	is->domain_depths = (uint32_t)take_number(&c, 4);
	lengths->ipv4 = take_number(&c, 8);
	for (size_t i = 0; i < ARRAY_COUNT(lengths->ipv6); i++)
		lengths->ipv6[i] = take_number(&c, 8);
	return !c.starved;
}

/* ------------------------------------------------------------ opening */

static bool
read_at(const struct index *index, void *octets, size_t length, uint32_t at)
{
	return pread(index->fd, octets, length, at) == (ssize_t)length;
}

bool
index_load(struct index *out, int fd)
{
	const size_t key = sizeof(index_summary_key);
	const uint8_t *record = out->head + INDEX_CONTENTS_SIZE;
	struct stat status;

	out->fd = fd;
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
	    status.st_size > UINT32_MAX)
		return false;
	out->size = (uint32_t)status.st_size;
	return read_at(out, out->head, sizeof(out->head), 0) &&
	    cdb_unpack(record) == key &&
	    cdb_unpack(record + 4) == INDEX_SUMMARY_SIZE &&
	    memcmp(record + 8, index_summary_key, key) == 0 &&
	    parse_summary(out->head + INDEX_SUMMARY_AT, &out->is);
}

/* Has the list the size and time that it had when it was indexed?  Archives
 * keep seconds alone. */
static bool
is_same(const struct index_stamp *stamp, const struct stat *list)
{
	return stamp->size == (uint64_t)list->st_size &&
	    stamp->seconds == list->st_mtim.tv_sec &&
	    (list->st_mtim.tv_nsec == 0 ||
		(int64_t)stamp->nanoseconds == list->st_mtim.tv_nsec);
}

static bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec ||
	    (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

/*
 * Is the index of the list as it is now: of one with the same size and time,
 * or not older than anything that was done to the list?  SECURITY: the time of
 * the list's octets alone would not do: one that is put in the place of
 * another, as by day and by night, may be older than the index of that.  Its
 * inode was changed then, but not where only a link leads elsewhere.
 */
static bool
is_of_list(const struct index *index, const char *path)
{
	struct stat made;
	struct stat list;
	struct stat link;

	inputs_note(path);
	if (stat(path, &list) != 0)
		return false;
	/* Mostly so, and two calls less for each session. */
	if (is_same(&index->is.list, &list))
		return true;
	return fstat(index->fd, &made) == 0 && lstat(path, &link) == 0 &&
	    !S_ISLNK(link.st_mode) &&
	    !is_before(&made.st_mtim, &list.st_mtim) &&
	    is_before(&list.st_ctim, &made.st_mtim);
}

/* The descriptor of the index, -1 and errno. */
static int
open_beside(const char *path)
{
	char buffer[PATH_TEXT];
	struct text name = text_in(buffer, sizeof(buffer));

	text_add(&name, path);
	text_add(&name, ".cdb");
	if (name.cut) {
		errno = ENOENT;
		return -1;
	}
	inputs_note(buffer);
	return open(buffer, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* What is wrong with the index that was opened; NULL: nothing. */
static const char *
load(struct index *index, int fd, const char *path)
{
	memcpy(index->list, path, strlen(path) + 1);
	if (!index_load(index, fd))
		return "is no index that this version knows";
	if (!is_of_list(index, path))
		return "is of another state of the list";
	return NULL;
}

/* The last one once more: `to' and `at' often have the same list. */
static struct index *
lend(struct reader *r, const char *path)
{
	const size_t size = sizeof(*r->index) + strlen(path) + 1;
	struct index *index = malloc(size);

	if (index == NULL) {
		reader_starve(r);
		return NULL;
	}
	memcpy(index, r->index, size);
	index->lent = true;
	return index;
}

enum index_state
index_open(struct reader *r, const char *path, struct index **out,
    const char **problem)
{
	struct index *index;

	if (r->index != NULL && strcmp(r->index->list, path) == 0) {
		*out = lend(r, path);
		*problem = NULL;
		return *out == NULL ? INDEX_OTHER : INDEX_GOOD;
	}
	const int fd = open_beside(path);
	if (fd < 0 && errno == ENOENT)
		return INDEX_NONE;
	*problem = strerror(errno);
	if (fd < 0)
		return INDEX_OTHER;
	index = calloc(1, sizeof(*index) + strlen(path) + 1);
	if (index == NULL)
		reader_starve(r);
	else
		*problem = load(index, fd, path);
	if (index != NULL && *problem == NULL) {
		/* The low numbers are for what a session opens. */
		index->fd = descriptor_share(fd);
		*out = index;
		r->index = index;
		return INDEX_GOOD;
	}
	close(fd);
	free(index);
	return INDEX_OTHER;
}

/* The last one that had no answer, for index_silent(). */
static const struct index *silent;

void
index_close(const struct index *index)
{
	if (silent == index)
		silent = NULL;
	if (!index->lent)
		close(index->fd);
}

/* ------------------------------------------------------------ looking up */

struct key {
	const void *octets;
	size_t length; /* at most INDEX_KEY_MAX */
};

/* Is the key that of the record there?  None is at the end of the file. */
static enum match
compare_record(const struct index *index, uint32_t at, const struct key *key)
{
	uint8_t record[8 + INDEX_KEY_MAX];
	const size_t length = key->length;

	if (!read_at(index, record, 8 + length, at))
		return MATCH_UNSURE;
	return cdb_unpack(record) == length &&
		memcmp(record + 8, key->octets, length) == 0 ?
	    MATCH_YES :
	    MATCH_NO;
}

/* A hash table of the file, and the slot that is looked at. */
struct probe {
	uint32_t start;
	uint32_t slots;
	uint32_t slot;
	uint32_t left; /* to be looked at */
	uint32_t hash;
};

/*
 * Looks at the slots that lie together from p->slot on.  True: *match is the
 * answer.
 */
static bool
look_at_slots(const struct index *index, struct probe *p,
    const struct key *key, enum match *match)
{
	uint8_t slots[SLOTS_AT_ONCE][8];
	uint32_t count = p->slots - p->slot;

	count = count > SLOTS_AT_ONCE ? SLOTS_AT_ONCE : count;
	count = count > p->left ? p->left : count;
	*match = MATCH_UNSURE;
	if (!read_at(index, slots, count * sizeof(*slots),
		p->start + p->slot * (uint32_t)sizeof(*slots)))
		return true;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = cdb_unpack(slots[i] + 4);

		*match = MATCH_NO;
		if (at == 0)
			return true;
		if (cdb_unpack(slots[i]) == p->hash)
			*match = compare_record(index, at, key);
		if (*match != MATCH_NO)
			return true;
	}
	p->left -= count;
	p->slot = (p->slot + count) % p->slots;
	return false;
}

/*
 * SECURITY: a broken index is no answer, and no way to keep a session busy: a
 * whole one has an empty slot soon behind each place.
 */
static enum match
find(const struct index *index, const struct key *key)
{
	const uint32_t hash = cdb_hash(key->octets, (unsigned)key->length);
	const uint8_t *entry = index->head + hash % 256 * 8;
	struct probe p = { .start = cdb_unpack(entry),
		.slots = cdb_unpack(entry + 4),
		.hash = hash };
	enum match match;

	if (p.slots == 0)
		return MATCH_NO;
	if (p.start > index->size || (index->size - p.start) / 8 < p.slots)
		return MATCH_UNSURE;
	p.slot = hash / 256 % p.slots;
	p.left = p.slots > SLOTS_MAX ? SLOTS_MAX : p.slots;
	while (p.left > 0)
		if (look_at_slots(index, &p, key, &match))
			return match;
	return p.slots > SLOTS_MAX ? MATCH_UNSURE : MATCH_NO;
}

static enum match
look_up(const struct index *index, const struct key *key)
{
	const enum match match = find(index, key);

	if (match == MATCH_UNSURE)
		silent = index;
	return match;
}

const char *
index_silent(void)
{
	return silent == NULL ? "a list" : silent->list;
}

/* The words of a rule that are no names; 0 of others. */
static uint32_t
special_word(const char *word, size_t length)
{
	if (length == 4 && memcmp(word, "name", 4) == 0)
		return INDEX_ANY_NAME;
	if (length == 7 && memcmp(word, "literal", 7) == 0)
		return INDEX_LITERAL;
	return 0;
}

/* Which of the depths' bits is the word's? */
static uint32_t
depth_bit(const char *word, size_t length)
{
	unsigned labels = word[0] == '.' ? 0 : 1;

	for (size_t i = 0; i < length; i++)
		labels += word[i] == '.' ? 1 : 0;
	return UINT32_C(1) << (labels > DEPTH_MAX ? DEPTH_MAX : labels);
}

enum match
index_has_word(const struct index *index, const char *word, size_t length)
{
	const struct index_summary *is = &index->is;
	const uint32_t special = special_word(word, length);
	const uint32_t depths = word[0] == '.' ? is->domain_depths :
						 is->name_depths;

	if (special != 0)
		return (is->words & special) != 0 ? MATCH_YES : MATCH_NO;
	if (length > INDEX_KEY_MAX || (depths & depth_bit(word, length)) == 0)
		return MATCH_NO;
	return look_up(index, &(struct key){ word, length });
}

void
index_add_word(struct index_summary *is, const char *word)
{
	const size_t length = strlen(word);
	const uint32_t special = special_word(word, length);

	is->names++;
	is->words |= special;
	if (special != 0)
		return;
	if (word[0] == '.')
		is->domain_depths |= depth_bit(word, length);
	else
		is->name_depths |= depth_bit(word, length);
}

void
index_add_net(struct index_summary *is, const struct net *net)
{
	is->nets++;
	net_lengths_add(&is->lengths, net);
}

size_t
index_net_key(const struct net *net, uint8_t key[INDEX_KEY_MAX])
{
	const size_t octets = net_bits_max((enum family)net->family) / 8;

	key[0] = net->family;
	key[1] = net->bits;
	memcpy(key + 2, net->octets, octets);
	return 2 + octets;
}

enum match
index_has_net(const struct index *index, const struct net *net)
{
	uint8_t key[INDEX_KEY_MAX];
	const size_t length = index_net_key(net, key);

	return look_up(index, &(struct key){ key, length });
}

/* ------------------------------------------------------------ checking */

static bool
parse_net(const uint8_t *key, size_t length, struct net *net)
{
	const enum family family = key[0] == FAMILY_IPV4 ? FAMILY_IPV4 :
							   FAMILY_IPV6;

	if (length != 2 + net_bits_max(family) / 8 ||
	    key[1] > net_bits_max(family))
		return false;
	*net = (struct net){ .family = (uint8_t)family, .bits = key[1] };
	memcpy(net->octets, key + 2, length - 2);
	return true;
}

/* What a walk over an index has seen. */
struct census {
	struct index_summary is;
	const struct net *prefixes;
	size_t count;
	bool hidden;
};

static bool
check_net(const struct index *index, const struct net *net,
    struct census *census)
{
	index_add_net(&census->is, net);
	for (size_t i = 0; i < census->count; i++)
		census->hidden = census->hidden ||
		    net_covers(&census->prefixes[i], net);
	return net_lengths_have(&index->is.lengths, (enum family)net->family,
		   net->bits) &&
	    index_has_net(index, net) == MATCH_YES;
}

/* Counts a key; false: it is none, or cannot be found. */
static bool
check_key(const struct index *index, const uint8_t *key, size_t length,
    struct census *census)
{
	char word[INDEX_KEY_MAX];
	struct net net;

	if (length == 0 || length >= sizeof(word))
		return false;
	if (key[0] == FAMILY_IPV4 || key[0] == FAMILY_IPV6)
		return parse_net(key, length, &net) &&
		    check_net(index, &net, census);
	memcpy(word, key, length);
	word[length] = '\0';
	index_add_word(&census->is, word);
	return strlen(word) == length &&
	    index_has_word(index, word, length) == MATCH_YES;
}

bool
index_check(const struct index *index, const struct net *prefixes,
    size_t count, bool *hidden)
{
	struct census census = { .prefixes = prefixes, .count = count };
	struct cdb cdb;
	unsigned at;
	int more;

	if (cdb_init(&cdb, index->fd) != 0)
		return false;
	cdb_seqinit(&at, &cdb);
	(void)cdb_seqnext(&at, &cdb); /* the summary */
	for (more = cdb_seqnext(&at, &cdb); more > 0;
	     more = cdb_seqnext(&at, &cdb)) {
		const uint8_t *key = cdb_getkey(&cdb);

		if (key == NULL ||
		    !check_key(index, key, cdb_keylen(&cdb), &census))
			break;
	}
	cdb_free(&cdb);
	*hidden = census.hidden;
	return more == 0 && census.is.names == index->is.names &&
	    census.is.nets == index->is.nets;
}
