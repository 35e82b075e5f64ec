/* SPDX-License-Identifier: ISC */
/*
 * The lists of a rule: words (names, users) and nets, as they were written or
 * read from files.  They are sorted once, so that a look-up costs the
 * logarithm of their length; beside them are the indexes of files that have
 * one.
 *
 * Blocks are of the heap; large ones are mappings of their own (mallopt(3) in
 * policy/settings.c), which lists_give_back() hands to the kernel.
 */
#ifndef SOCKS64_POLICY_LISTS_H
#define SOCKS64_POLICY_LISTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/index.h"
#include "policy/sets.h"

/* Blocks of so many octets are mappings. */
enum { LARGE_BLOCK = 128 * 1024 };

/* The words behind `user': names, "*", "-", "uid=N".  Or those behind `to':
 * names and ".suffixes", in lower case and without trailing dot, "name" and
 * "literal".  No word stands in it twice, once it is sorted. */
struct word_list {
	bool given;
	char *text;       /* the words, each with its NUL */
	size_t used;      /* octets of that */
	size_t size;      /* room for so many */
	uint32_t *starts; /* of the words in `text' */
	size_t count;
	size_t sorted; /* so many were there when they were sorted */
	struct index *indexes;
};

struct net_list {
	bool given;    /* an empty list that was given matches nothing */
	unsigned sets; /* named sets */
	struct net *nets;
	size_t count;
	size_t sorted;
	struct net_lengths lengths; /* of the nets, and of the indexes' */
	struct index *indexes;
};

/* Append a copy; without memory, which is reported, they do nothing. */
void word_list_add(struct reader *r, struct word_list *list, const char *word);
void net_list_add(struct reader *r, struct net_list *list,
    const struct net *net);

/* Let an index that was opened answer, too. */
void word_list_join(struct word_list *list, struct index *index);
void net_list_join(struct net_list *list, struct index *index);

/* Sort what was appended; not before is anything found.  Without memory it
 * is reported. */
void word_list_sort(struct reader *r, struct word_list *list);
void net_list_sort(struct net_list *list);

/* The word of that number, below `count', in their order. */
const char *word_list_at(const struct word_list *list, size_t i);

/* Is the word in the list, or in an index of it?  `word` has `length` octets
 * of any value. */
enum match word_list_has(const struct word_list *list, const char *word,
    size_t length);

/* Has it neither word nor index?  Has it neither net, set nor index? */
bool word_list_is_empty(const struct word_list *list);
bool net_list_is_empty(const struct net_list *list);

/*
 * Is the address, with its membership, in the list?  A set or a net that
 * holds it is enough.
 */
enum match net_list_has(const struct net_list *list,
    const struct address *address, struct membership membership);

/*
 * Does the list open the address?  As net_list_has(), but an address of this
 * host and a metadata service are opened by those words or by a net of just
 * that address, by nothing wider.
 */
enum match net_list_opens(const struct net_list *list,
    const struct address *address, struct membership membership);

/*
 * Give back what of the list is large.  The list is not to be used from then
 * on; nothing is written to it, since its pages may be shared with other
 * sessions.
 */
void word_list_give_back(const struct word_list *list);
void net_list_give_back(const struct net_list *list);

/* The octets of memory that a list takes, without its indexes. */
size_t word_list_octets(const struct word_list *list);
size_t net_list_octets(const struct net_list *list);

#endif
