/* SPDX-License-Identifier: ISC */
/*
 * The messages of name servers (RFC 1035 4.1), as far as a stub resolver reads
 * them: the header, and the records that answer the question.  Pure.
 *
 * A label may hold any octet (RFC 2181 11), and so may the names that a
 * message has: none of them is judged here, only compared.
 */
#ifndef SOCKS64_WIRE_DNS_H
#define SOCKS64_WIRE_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of types and response codes those that matter here. */
enum { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_PTR = 12 };
enum { DNS_TYPE_AAAA = 28 };
enum { DNS_NO_ERROR = 0, DNS_NO_NAME = 3 };

enum {
	DNS_HEADER = 12,
	DNS_NAME_MAX = 255, /* as labels with their lengths */
	DNS_ALIASES_MAX = 16,
};

/* The fields of a header that tell a resolver something. */
struct dns_header {
	bool response;      /* QR: else somebody's query */
	bool authoritative; /* AA */
	bool truncated;     /* TC: the whole answer comes by TCP */
	bool recursive;     /* RA: this server looks things up */
	uint8_t code;       /* RCODE */
	uint16_t answers;   /* ANCOUNT */
};

/* A name: its labels, each behind its length, letters as capitals, the
 * empty label last. */
struct dns_name {
	size_t length;
	uint8_t octets[DNS_NAME_MAX];
};

/* A walk over the records of an answer. */
struct dns_walk {
	const uint8_t *octets; /* of the message; borrowed */
	size_t length;
	size_t at;     /* the next record */
	uint16_t left; /* so many in the answer */
	uint16_t type; /* that is looked for */
	struct dns_name owner;
};

/* A question, of the Internet's class, to a server that looks things up. */
struct dns_question {
	uint16_t id;
	const char *name; /* as name_classify() gives it, or a reverse one */
	uint16_t type;
	uint16_t edns_size; /* octets that we take by UDP; 0: no EDNS */
};

enum { DNS_QUESTION_MAX = DNS_HEADER + DNS_NAME_MAX + 4 + 11 };

/* Writes it; returns how many octets, at most DNS_QUESTION_MAX (RFC 1035
 * 4.1, RFC 6891 6.1.2). */
size_t dns_question_write(const struct dns_question *q, uint8_t *octets);

/* False: there is no header in so few octets. */
bool dns_header_read(const uint8_t *octets, size_t length,
    struct dns_header *out);

/*
 * Begins a walk over the records of that type that belong to the name in the
 * question, or to the name that its aliases lead to, DNS_ALIASES_MAX at most
 * and in whatever order they stand (RFC 1034 3.6.2).  False: the octets are no
 * answer to one question.
 */
bool dns_walk_start(struct dns_walk *w, const uint8_t *octets, size_t length,
    uint16_t type);

/*
 * The next such record, in the server's order: its data, and how long that is.
 * NULL: there is no other.
 */
const uint8_t *dns_walk_next(struct dns_walk *w, size_t *length);

/* The name that these data of dns_walk_next() are; false: they are none. */
bool dns_walk_name(const struct dns_walk *w, const uint8_t *data,
    size_t length, struct dns_name *out);

/*
 * The name as text, without the last dot, for name_classify(): at most size
 * octets, no NUL behind them.  Returns how many; 0 for the root, for a name
 * with a dot inside of a label and for one that does not fit, which are no
 * host names.
 */
size_t dns_name_text(const struct dns_name *name, uint8_t *text, size_t size);

#endif
