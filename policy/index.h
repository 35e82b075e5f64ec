/* SPDX-License-Identifier: ISC */
/*
 * The index of a list: a constant database (of tinycdb's format) beside it,
 * FILE.cdb, which --index makes.  It is opened when the configuration is read,
 * and looked up in place of reading the list.  A look-up is one pread(2), or
 * two where the key may be there: a page of a mapping costs a process ten
 * times as much, and a page table.
 *
 * What is in it is as little trusted as a list: whatever it holds, and whoever
 * changes it meanwhile, an answer or MATCH_UNSURE comes of it.  Who renames
 * another one over it changes nothing for those who have it open.
 *
 * Its keys, in any order, each with an empty value:
 *
 *	NAME or .DOMAIN		in lower case, without trailing dot
 *	FAMILY BITS OCTETS	a net: 1 and 4 octets, or 2 and 16
 *
 * and before all others the key of one zero octet, whose value says what the
 * others are.
 */
#ifndef SOCKS64_POLICY_INDEX_H
#define SOCKS64_POLICY_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/sets.h"

struct reader; /* policy/reader.h */

/* By what a list is known again. */
struct index_stamp {
	uint64_t size;
	int64_t seconds; /* of mtime */
	uint32_t nanoseconds;
};

enum index_word {
	INDEX_ANY_NAME = 1, /* the word `name' */
	INDEX_LITERAL = 2,  /* the word `literal' */
};

/* What is in an index. */
struct index_summary {
	struct index_stamp list;
	uint32_t names; /* so many names and domains; with `words' */
	uint32_t nets;
	uint32_t bad;   /* lines of the list that were not understood */
	uint32_t sets;  /* enum set, ored */
	uint32_t words; /* enum index_word, ored */

	/* Bit N: some have N labels; bit 31: or more. */
	uint32_t name_depths;
	uint32_t domain_depths;
	struct net_lengths lengths;
};

enum {
	INDEX_CONTENTS_SIZE = 2048, /* 256 tables */
	INDEX_SUMMARY_SIZE = 112,

	/* Where it is: behind the table of contents, and the two lengths and
	 * the key of the first record. */
	INDEX_SUMMARY_AT = INDEX_CONTENTS_SIZE + 8 + 1,
};

struct index {
	struct index *next; /* of the same list of a rule */
	struct index_summary is;
	int fd;
	bool lent;     /* fd is that of another one, which closes it */
	uint32_t size; /* octets of the file */
	uint8_t head[INDEX_SUMMARY_AT + INDEX_SUMMARY_SIZE]; /* its first */
	char list[]; /* path of the list that it is of */
};

/* ------------------------------------------------------------ to use one */

enum index_state {
	INDEX_NONE,  /* there is no index */
	INDEX_OTHER, /* it is of another state of the list, or is none */
	INDEX_GOOD,
};

/*
 * Opens the index of the list of that path, or has it once more where it was
 * the one before, r->index.  INDEX_GOOD: *out is it, from the heap, for as
 * long as the configuration lives; they are closed together.  INDEX_OTHER:
 * *problem is a sentence's end that says why ("is of another state of the
 * list").
 */
enum index_state index_open(struct reader *r, const char *path,
    struct index **out, const char **problem);

/* Reads the beginning of the one that fd is open on, which *out has from then
 * on.  False: it is none. */
bool index_load(struct index *out, int fd);

/* Gives it up; it is not to be used from then on. */
void index_close(const struct index *index);

/* Is the word in it: NAME, .DOMAIN, or `name' or `literal'? */
enum match index_has_word(const struct index *index, const char *word,
    size_t length);

/* Is this very net in it? */
enum match index_has_net(const struct index *index, const struct net *net);

/* The path of the list whose index was the last one without an answer, for it
 * cannot be read any more or is broken; borrowed. */
const char *index_silent(void);

/*
 * Looks at all of it, which takes a while: is it whole, does it hold what it
 * says, can each be found?  *hidden: is there a net within one of the
 * prefixes?
 */
bool index_check(const struct index *index, const struct net *prefixes,
    size_t count, bool *hidden);

/* ----------------------------------------------------------- to make one */

enum { INDEX_KEY_MAX = 256 };

/* The key of the first record, of one octet. */
extern const uint8_t index_summary_key[1];

/* Writes the key of a net; returns its length. */
size_t index_net_key(const struct net *net, uint8_t key[INDEX_KEY_MAX]);

/* Counts a word or net that was put in. */
void index_add_word(struct index_summary *is, const char *word);
void index_add_net(struct index_summary *is, const struct net *net);

/* The value of the first record. */
void index_summary_format(const struct index_summary *is,
    uint8_t octets[INDEX_SUMMARY_SIZE]);

#endif
