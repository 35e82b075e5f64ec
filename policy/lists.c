/* SPDX-License-Identifier: ISC */
/*
 * Lists of words and of nets.
 */
#include "policy/lists.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/reader.h"

/* The least text, so that reader_grow() is not asked for each word. */
enum { TEXT_CHUNK = 256 };

/* ------------------------------------------------------------ words */

static bool
make_room(struct reader *r, struct word_list *list, size_t more)
{
	size_t size = list->size == 0 ? TEXT_CHUNK : list->size;
	char *text;

	while (size - list->used < more)
		size *= 2;
	if (size == list->size)
		return true;
	text = size > UINT32_MAX ? NULL : realloc(list->text, size);
	if (text == NULL) {
		reader_starve(r);
		return false;
	}
	list->text = text;
	list->size = size;
	return true;
}

void
word_list_add(struct reader *r, struct word_list *list, const char *word)
{
	const size_t size = strlen(word) + 1;
	uint32_t *starts;

	if (!make_room(r, list, size))
		return;
	starts = reader_grow(r, list->starts, list->count, sizeof(*starts));
	if (starts == NULL)
		return;
	list->starts = starts;
	starts[list->count++] = (uint32_t)list->used;
	memcpy(list->text + list->used, word, size);
	list->used += size;
}

/* A word for sorting: most differ in the first octets, which are looked at
 * without going to the text. */
struct sorted {
	uint64_t first; /* of its octets, the first is the highest */
	uint32_t start;
};

static uint64_t
first_octets(const char *word)
{
	uint64_t first = 0;

	for (size_t i = 0; i < sizeof(first); i++) {
		first = first << 8 | (uint8_t)*word;
		word += *word != '\0' ? 1 : 0;
	}
	return first;
}

static int
compare_words(const void *one, const void *other, void *context)
{
	const struct sorted *a = one;
	const struct sorted *b = other;
	const char *text = context;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	return strcmp(text + a->start, text + b->start);
}

void
word_list_sort(struct reader *r, struct word_list *list)
{
	struct sorted *sorted;

	if (list->sorted == list->count)
		return;
	list->sorted = list->count;
	sorted = reallocarray(NULL, list->count, sizeof(*sorted));
	if (sorted == NULL) {
		reader_starve(r);
		return;
	}
	for (size_t i = 0; i < list->count; i++)
		sorted[i] = (struct sorted){
			.first = first_octets(word_list_at(list, i)),
			.start = list->starts[i],
		};
	qsort_r(sorted, list->count, sizeof(*sorted), compare_words,
	    list->text);
	for (size_t i = 0; i < list->count; i++)
		list->starts[i] = sorted[i].start;
	free(sorted);
}

const char *
word_list_at(const struct word_list *list, size_t i)
{
	return list->text + list->starts[i];
}

/* As strcmp() of the word, which has no NUL behind it, with another. */
static int
compare_octets(const char *word, size_t length, const char *other)
{
	const size_t other_length = strnlen(other, length + 1);
	const size_t common = other_length < length ? other_length : length;
	const int order = memcmp(word, other, common);

	if (order != 0)
		return order;
	return length < other_length ? -1 : length > other_length ? 1 : 0;
}

static bool
find_word(const struct word_list *list, const char *word, size_t length)
{
	size_t low = 0;
	size_t high = list->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = compare_octets(word, length,
		    word_list_at(list, middle));

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

enum match
word_list_has(const struct word_list *list, const char *word, size_t length)
{
	enum match match = MATCH_NO;

	if (find_word(list, word, length))
		return MATCH_YES;
	for (const struct index *index = list->indexes; index != NULL;
	     index = index->next) {
		const enum match one = index_has_word(index, word, length);

		if (one > match)
			match = one;
	}
	return match;
}

void
word_list_join(struct word_list *list, struct index *index)
{
	index->next = list->indexes;
	list->indexes = index;
}

bool
word_list_is_empty(const struct word_list *list)
{
	return list->count == 0 && list->indexes == NULL;
}

/* ------------------------------------------------------------ nets */

void
net_list_add(struct reader *r, struct net_list *list, const struct net *net)
{
	struct net *nets = reader_grow(r, list->nets, list->count,
	    sizeof(*net));

	if (nets == NULL)
		return;
	nets[list->count++] = *net;
	list->nets = nets;
	net_lengths_add(&list->lengths, net);
}

static int
compare_nets(const void *one, const void *other)
{
	return memcmp(one, other, sizeof(struct net));
}

void
net_list_sort(struct net_list *list)
{
	if (list->sorted < list->count)
		qsort(list->nets, list->count, sizeof(*list->nets),
		    compare_nets);
	list->sorted = list->count;
}

void
net_list_join(struct net_list *list, struct index *index)
{
	const struct net_lengths *lengths = &index->is.lengths;

	index->next = list->indexes;
	list->indexes = index;
	list->sets |= index->is.sets;
	list->lengths.ipv4 |= lengths->ipv4;
	for (size_t i = 0; i < ARRAY_COUNT(lengths->ipv6); i++)
		list->lengths.ipv6[i] |= lengths->ipv6[i];
}

bool
net_list_is_empty(const struct net_list *list)
{
	return list->count == 0 && list->sets == 0 && list->indexes == NULL;
}

/* Is this very net there? */
static enum match
has_net(const struct net_list *list, const struct net *net)
{
	enum match match = MATCH_NO;

	if (list->count > 0 &&
	    bsearch(net, list->nets, list->count, sizeof(*net),
		compare_nets) != NULL)
		return MATCH_YES;
	for (const struct index *index = list->indexes; index != NULL;
	     index = index->next) {
		const enum match one = index_has_net(index, net);

		if (one > match)
			match = one;
	}
	return match;
}

/* Is a net of at least so many bits there that holds the address? */
static enum match
has_from(const struct net_list *list, const struct address *address,
    unsigned lowest)
{
	const unsigned highest = net_bits_max(address->family);
	enum match match = MATCH_NO;

	if (address->family == FAMILY_NONE)
		return MATCH_NO;
	for (unsigned bits = lowest; bits <= highest && match != MATCH_YES;
	     bits++) {
		struct net net;

		if (!net_lengths_have(&list->lengths, address->family, bits))
			continue;
		net = net_around(address, bits);
		const enum match one = has_net(list, &net);
		if (one > match)
			match = one;
	}
	return match;
}

enum match
net_list_has(const struct net_list *list, const struct address *address,
    struct membership membership)
{
	if ((list->sets & membership.sets) != 0)
		return MATCH_YES;
	return has_from(list, address, 0);
}

enum match
net_list_opens(const struct net_list *list, const struct address *address,
    struct membership membership)
{
	const unsigned closed = membership.sets & (SET_SELF | SET_METADATA);

	if (closed == 0)
		return net_list_has(list, address, membership);
	if ((list->sets & closed) != 0)
		return MATCH_YES;
	return has_from(list, address, net_bits_max(address->family));
}

/* ------------------------------------------------------------ memory */

static void
give_back(void *block, size_t octets, const struct index *indexes)
{
	if (octets >= LARGE_BLOCK)
		free(block);
	for (; indexes != NULL; indexes = indexes->next)
		index_close(indexes);
}

void
word_list_give_back(const struct word_list *list)
{
	give_back(list->text, list->size, list->indexes);
	give_back(list->starts, list->count * sizeof(*list->starts), NULL);
}

void
net_list_give_back(const struct net_list *list)
{
	give_back(list->nets, net_list_octets(list), list->indexes);
}

size_t
word_list_octets(const struct word_list *list)
{
	return list->used + list->count * sizeof(*list->starts);
}

size_t
net_list_octets(const struct net_list *list)
{
	return list->count * sizeof(*list->nets);
}
