/* SPDX-License-Identifier: ISC */
/*
 * What socks64 hands over to libsocks64.so in the environment variable
 * SOCKS64: the settings of socks64(1), checked and looked up.  Pure.
 */
#ifndef SOCKS64_LIB_HANDOVER_H
#define SOCKS64_LIB_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "wire/address.h"
#include "wire/login.h"
#include "wire/name.h"

enum {
	GATEWAYS_MAX = 4,
	DIRECT_NETS_MAX = 64,
	DIRECT_NAMES_SIZE = 2048, /* of all names, each with its NUL */
	BIND_PORTS_MAX = 8,
	GATEWAY_PATH_SIZE = 108, /* of sun_path, unix(7) */
	HANDOVER_TEXT = 8192,    /* the longest SOCKS64 */
};

#define HANDOVER_VARIABLE "SOCKS64"

enum udp_way {
	UDP_ON,     /* through the gateway */
	UDP_DIRECT, /* untouched */
	UDP_OFF,    /* refused */
};

enum families {
	FAMILIES_BOTH,
	FAMILIES_IPV4,
	FAMILIES_IPV6,
};

enum saying {
	SAY_FAULTS, /* what is wrong with the gateway, once a process */
	SAY_ALL,    /* -v */
	SAY_NOTHING,
};

/* The bits of `prefix` that count. */
struct fake_net {
	struct address prefix; /* its port is 0 */
	unsigned bits;
};

struct handover {
	/* Where the gateway is, in the order of trying; none: a unix-domain
	 * socket at `path`, which is "" otherwise. */
	struct address gateways[GATEWAYS_MAX];
	size_t gateway_count;
	char path[GATEWAY_PATH_SIZE];

	/* No user: the method 02 is not offered. */
	uint8_t user[LOGIN_FIELD_MAX];
	size_t user_length;
	uint8_t password[LOGIN_FIELD_MAX];
	size_t password_length;

	struct fake_net direct[DIRECT_NETS_MAX];
	size_t direct_count;
	/* NAME or .DOMAIN in lower case, each ended by a NUL. */
	char direct_names[DIRECT_NAMES_SIZE];
	size_t direct_names_length;

	enum udp_way udp;
	uint16_t bind_ports[BIND_PORTS_MAX];
	size_t bind_count; /* 0: off */
	enum families families;
	char search[NAME_LENGTH_MAX + 1]; /* "": none */
	bool ask_names;
	bool early;
	struct fake_net fake_ipv4; /* 4 to 12 bits */
	struct fake_net fake_ipv6; /* up to 96 bits */
	int64_t connect_timeout;   /* milliseconds */
	enum saying saying;

	/* Which file stderr is: its device and inode; 0: nobody's. */
	uint64_t stderr_device;
	uint64_t stderr_inode;
	/* The table of names: the number of its descriptor, -1 for none, and
	 * its inode. */
	int table;
	uint64_t table_inode;
};

/* Appends the whole text, credentials too; t->cut says that it did not fit. */
void handover_write(struct text *t, const struct handover *h);

/* Strict: every word known, none missing, none twice.  False: *out is of no
 * use. */
bool handover_read(const char *text, struct handover *out);

/* Where the word of the table stands in a text of ours, for the one place
 * that changes it there (handover_set_table()); NULL: nowhere. */
char *handover_table(char *text);

/* Writes another table over the one in `word`, which handover_table() found;
 * the length stays. */
void handover_set_table(char *word, int table, uint64_t inode);

/* %XX of a C string to octets; their number, or -1: `size` is too small, or
 * no two hexadecimal digits behind a %. */
long handover_octets(const char *word, uint8_t *octets, size_t size);

/* ADDRESS/BITS or ADDRESS. */
bool fake_net_parse(const char *text, size_t length, struct fake_net *out);
void fake_net_add(struct text *t, const struct fake_net *net);

/* Is that name in the direct ones?  In lower case, without trailing dot. */
bool handover_is_direct(const struct handover *h, const char *name);

#endif
