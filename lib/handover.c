/* SPDX-License-Identifier: ISC */
/*
 * SOCKS64: words KEY=VALUE with one blank between them, behind the version.
 */
#include "lib/handover.h"

#include <string.h>

#include "base/array.h"
#include "base/number.h"

#define VERSION_WORD "1"

enum { WORD_SIZE = 1024, TABLE_DIGITS = 8, INODE_DIGITS = 16 };

/* ---------------------------------------------------------------- words */

static bool
is_plain(uint8_t octet)
{
	return (octet >= 'a' && octet <= 'z') ||
	    (octet >= 'A' && octet <= 'Z') || (octet >= '0' && octet <= '9') ||
	    (octet != '\0' && strchr(".-_:[]/", octet) != NULL);
}

/* Appends so many octets as one word: %XX for what is not plain. */
static void
word_add(struct text *t, const void *octets, size_t length)
{
	const uint8_t *at = octets;

	for (size_t i = 0; i < length; i++) {
		if (is_plain(at[i])) {
			text_add_char(t, (char)at[i]);
			continue;
		}
		text_add_char(t, '%');
		text_add_octet(t, at[i]);
	}
}

long
handover_octets(const char *word, uint8_t *octets, size_t size)
{
	size_t used = 0;

	for (const char *at = word; *at != '\0'; at++) {
		if (used == size)
			return -1;
		octets[used] = (uint8_t)*at;
		if (*at == '%') {
			const unsigned high = hex_digit(at[1]);
			const unsigned low = high == NO_DIGIT ?
			    NO_DIGIT :
			    hex_digit(at[2]);

			if (low == NO_DIGIT)
				return -1;
			octets[used] = (uint8_t)(high << 4 | low);
			at += 2;
		}
		used++;
	}
	return (long)used;
}

/* The same as a C string: its length, or 0 for none, one with a NUL in it, or
 * one that does not fit. */
static size_t
string_read(char *out, size_t size, const char *word)
{
	const long length = handover_octets(word, (uint8_t *)out, size);

	if (length <= 0 || (size_t)length == size ||
	    memchr(out, '\0', (size_t)length) != NULL)
		return 0;
	out[length] = '\0';
	return (size_t)length;
}

static void
hex_add(struct text *t, uint64_t number, unsigned digits)
{
	while (digits-- > 0)
		text_add_char(t, text_digit(number >> 4 * digits));
}

static bool
hex_read(const char **at, unsigned digits, uint64_t *out)
{
	*out = 0;
	for (; digits > 0; digits--, (*at)++) {
		const unsigned digit = hex_digit(**at);

		if (digit == NO_DIGIT)
			return false;
		*out = *out << 4 | digit;
	}
	return true;
}

bool
fake_net_parse(const char *text, size_t length, struct fake_net *out)
{
	const char *slash = memchr(text, '/', length);
	const size_t end = slash == NULL ? length : (size_t)(slash - text);
	struct fake_net net;
	char digits[4];
	uint64_t bits;

	if (!address_parse(text, end, &net.prefix))
		return false;
	const uint64_t highest = 8 * address_length(&net.prefix);
	net.bits = (unsigned)highest;
	if (slash != NULL) {
		if (length - end - 1 >= sizeof(digits))
			return false;
		text_copy(digits, length - end, slash + 1);
		if (!number_parse(digits, highest, &bits))
			return false;
		net.bits = (unsigned)bits;
	}
	*out = net;
	return true;
}

void
fake_net_add(struct text *t, const struct fake_net *net)
{
	address_add(t, &net->prefix);
	text_add_char(t, '/');
	text_add_number(t, net->bits);
}

/* --------------------------------------------------- one key, both ways */

/* Appends the value, the `i`th of a key that may stand several times; false:
 * there is no such value. */
typedef bool write_value(struct text *t, const struct handover *h, size_t i);
typedef bool read_value(struct handover *h, const char *value);

static bool
write_gateway(struct text *t, const struct handover *h, size_t i)
{
	if (h->gateway_count == 0 && i == 0)
		word_add(t, h->path, strnlen(h->path, sizeof(h->path)));
	else if (i < h->gateway_count)
		address_add_port(t, &h->gateways[i]);
	else
		return false;
	return true;
}

static bool
read_gateway(struct handover *h, const char *value)
{
	if (h->path[0] != '\0')
		return false;
	if (*value == '/')
		return h->gateway_count == 0 &&
		    string_read(h->path, sizeof(h->path), value) > 0;
	if (h->gateway_count == GATEWAYS_MAX ||
	    !address_parse_port(value, strlen(value), 0,
		&h->gateways[h->gateway_count]))
		return false;
	return h->gateways[h->gateway_count++].port != 0;
}

static bool
write_user(struct text *t, const struct handover *h, size_t i)
{
	if (i > 0 || h->user_length == 0)
		return false;
	word_add(t, h->user, h->user_length);
	return true;
}

static bool
read_user(struct handover *h, const char *value)
{
	const long length = handover_octets(value, h->user, sizeof(h->user));

	if (length <= 0)
		return false;
	h->user_length = (size_t)length;
	return true;
}

static bool
write_password(struct text *t, const struct handover *h, size_t i)
{
	if (i > 0 || h->password_length == 0)
		return false;
	word_add(t, h->password, h->password_length);
	return true;
}

static bool
read_password(struct handover *h, const char *value)
{
	const long length = handover_octets(value, h->password,
	    sizeof(h->password));

	if (length <= 0)
		return false;
	h->password_length = (size_t)length;
	return true;
}

static bool
write_direct(struct text *t, const struct handover *h, size_t i)
{
	if (i >= h->direct_count)
		return false;
	fake_net_add(t, &h->direct[i]);
	return true;
}

static bool
read_direct(struct handover *h, const char *value)
{
	return h->direct_count < DIRECT_NETS_MAX &&
	    fake_net_parse(value, strlen(value),
		&h->direct[h->direct_count++]);
}

/* The ith name, NULL behind the last. */
static const char *
direct_name(const struct handover *h, size_t i)
{
	const char *at = h->direct_names;
	const char *end = at + h->direct_names_length;

	for (; at < end && i > 0; i--)
		at += strlen(at) + 1;
	return at < end ? at : NULL;
}

static bool
write_direct_name(struct text *t, const struct handover *h, size_t i)
{
	const char *name = direct_name(h, i);

	if (name == NULL)
		return false;
	word_add(t, name, strlen(name));
	return true;
}

static bool
read_direct_name(struct handover *h, const char *value)
{
	char *to = h->direct_names + h->direct_names_length;
	const size_t left = DIRECT_NAMES_SIZE - h->direct_names_length;
	const size_t length = string_read(to, left, value);

	if (length == 0)
		return false;
	h->direct_names_length += length + 1;
	return true;
}

static const char *const udp_words[] = { "on", "direct", "off" };
static const char *const family_words[] = { "both", "ipv4", "ipv6" };
static const char *const switch_words[] = { "off", "on" };
static const char *const saying_words[] = { "faults", "all", "nothing" };

/* Which of the words it is, -1 for none. */
static int
word_find(const char *const *words, size_t count, const char *value)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(words[i], value) == 0)
			return (int)i;
	return -1;
}

static bool
write_udp(struct text *t, const struct handover *h, size_t i)
{
	text_add(t, i == 0 ? udp_words[h->udp] : "");
	return i == 0;
}

static bool
read_udp(struct handover *h, const char *value)
{
	const int found = word_find(udp_words, ARRAY_COUNT(udp_words), value);

	h->udp = (enum udp_way)found;
	return found >= 0;
}

static bool
write_bind(struct text *t, const struct handover *h, size_t i)
{
	if (i >= h->bind_count)
		return false;
	text_add_number(t, h->bind_ports[i]);
	return true;
}

static bool
read_bind(struct handover *h, const char *value)
{
	return h->bind_count < BIND_PORTS_MAX &&
	    port_parse(value, strlen(value), 1,
		&h->bind_ports[h->bind_count++]);
}

static bool
write_families(struct text *t, const struct handover *h, size_t i)
{
	text_add(t, i == 0 ? family_words[h->families] : "");
	return i == 0;
}

static bool
read_families(struct handover *h, const char *value)
{
	const int found = word_find(family_words, ARRAY_COUNT(family_words),
	    value);

	h->families = (enum families)found;
	return found >= 0;
}

static bool
write_search(struct text *t, const struct handover *h, size_t i)
{
	if (i > 0 || h->search[0] == '\0')
		return false;
	word_add(t, h->search, strlen(h->search));
	return true;
}

static bool
read_search(struct handover *h, const char *value)
{
	return string_read(h->search, sizeof(h->search), value) > 0;
}

static bool
write_ask(struct text *t, const struct handover *h, size_t i)
{
	text_add(t, i == 0 ? switch_words[h->ask_names] : "");
	return i == 0;
}

static bool
read_ask(struct handover *h, const char *value)
{
	const int found = word_find(switch_words, ARRAY_COUNT(switch_words),
	    value);

	h->ask_names = found == 1;
	return found >= 0;
}

static bool
write_early(struct text *t, const struct handover *h, size_t i)
{
	text_add(t, i == 0 ? switch_words[h->early] : "");
	return i == 0;
}

static bool
read_early(struct handover *h, const char *value)
{
	const int found = word_find(switch_words, ARRAY_COUNT(switch_words),
	    value);

	h->early = found == 1;
	return found >= 0;
}

static bool
write_fake_ipv4(struct text *t, const struct handover *h, size_t i)
{
	if (i == 0)
		fake_net_add(t, &h->fake_ipv4);
	return i == 0;
}

static bool
read_fake_ipv4(struct handover *h, const char *value)
{
	return fake_net_parse(value, strlen(value), &h->fake_ipv4) &&
	    h->fake_ipv4.prefix.family == FAMILY_IPV4 &&
	    h->fake_ipv4.bits <= 12 && h->fake_ipv4.bits >= 4;
}

static bool
write_fake_ipv6(struct text *t, const struct handover *h, size_t i)
{
	if (i == 0)
		fake_net_add(t, &h->fake_ipv6);
	return i == 0;
}

static bool
read_fake_ipv6(struct handover *h, const char *value)
{
	return fake_net_parse(value, strlen(value), &h->fake_ipv6) &&
	    h->fake_ipv6.prefix.family == FAMILY_IPV6 &&
	    h->fake_ipv6.bits <= 96;
}

static bool
write_timeout(struct text *t, const struct handover *h, size_t i)
{
	if (i == 0)
		text_add_number(t, (uint64_t)h->connect_timeout);
	return i == 0;
}

static bool
read_timeout(struct handover *h, const char *value)
{
	uint64_t number;

	if (!number_parse(value, INT32_MAX, &number) || number == 0)
		return false;
	h->connect_timeout = (int64_t)number;
	return true;
}

static bool
write_say(struct text *t, const struct handover *h, size_t i)
{
	text_add(t, i == 0 ? saying_words[h->saying] : "");
	return i == 0;
}

static bool
read_say(struct handover *h, const char *value)
{
	const int found = word_find(saying_words, ARRAY_COUNT(saying_words),
	    value);

	h->saying = (enum saying)found;
	return found >= 0;
}

static bool
write_stderr(struct text *t, const struct handover *h, size_t i)
{
	if (i > 0)
		return false;
	hex_add(t, h->stderr_device, INODE_DIGITS);
	text_add_char(t, ':');
	hex_add(t, h->stderr_inode, INODE_DIGITS);
	return true;
}

static bool
read_stderr(struct handover *h, const char *value)
{
	return hex_read(&value, INODE_DIGITS, &h->stderr_device) &&
	    *value++ == ':' &&
	    hex_read(&value, INODE_DIGITS, &h->stderr_inode) && *value == '\0';
}

/* Of a fixed length: it is written over. */
static bool
write_table(struct text *t, const struct handover *h, size_t i)
{
	if (i > 0)
		return false;
	hex_add(t, (uint32_t)h->table, TABLE_DIGITS);
	text_add_char(t, ':');
	hex_add(t, h->table_inode, INODE_DIGITS);
	return true;
}

static bool
read_table(struct handover *h, const char *value)
{
	uint64_t number;

	if (!hex_read(&value, TABLE_DIGITS, &number) || *value++ != ':' ||
	    !hex_read(&value, INODE_DIGITS, &h->table_inode) || *value != '\0')
		return false;
	h->table = number > INT32_MAX ? -1 : (int)number;
	return true;
}

enum { MANY = 1, NEEDED = 2 };

static const struct {
	const char *key; /* with its = */
	write_value *write;
	read_value *read;
	unsigned flags;
} keys[] = {
	{ "gateway=", write_gateway, read_gateway, MANY | NEEDED },
	{ "user=", write_user, read_user, 0 },
	{ "password=", write_password, read_password, 0 },
	{ "direct=", write_direct, read_direct, MANY },
	{ "direct-name=", write_direct_name, read_direct_name, MANY },
	{ "udp=", write_udp, read_udp, NEEDED },
	{ "bind=", write_bind, read_bind, MANY },
	{ "families=", write_families, read_families, NEEDED },
	{ "search=", write_search, read_search, 0 },
	{ "ask=", write_ask, read_ask, NEEDED },
	{ "early=", write_early, read_early, NEEDED },
	{ "fake-ipv4=", write_fake_ipv4, read_fake_ipv4, NEEDED },
	{ "fake-ipv6=", write_fake_ipv6, read_fake_ipv6, NEEDED },
	{ "timeout=", write_timeout, read_timeout, NEEDED },
	{ "say=", write_say, read_say, NEEDED },
	{ "stderr=", write_stderr, read_stderr, NEEDED },
	{ "table=", write_table, read_table, NEEDED },
};

/* ------------------------------------------------------------ the whole */

void
handover_write(struct text *t, const struct handover *h)
{
	text_add(t, VERSION_WORD);
	for (size_t k = 0; k < ARRAY_COUNT(keys); k++)
		for (size_t i = 0;; i++) {
			char buffer[WORD_SIZE];
			struct text value = text_in(buffer, sizeof(buffer));

			if (!keys[k].write(&value, h, i))
				break;
			text_add_char(t, ' ');
			text_add(t, keys[k].key);
			text_add(t, buffer);
			t->cut = t->cut || value.cut;
		}
}

static bool
word_read(struct handover *h, const char *word, uint32_t *seen)
{
	for (size_t k = 0; k < ARRAY_COUNT(keys); k++) {
		const size_t length = strlen(keys[k].key);

		if (strncmp(word, keys[k].key, length) != 0)
			continue;
		if ((*seen & 1u << k) != 0 && (keys[k].flags & MANY) == 0)
			return false;
		*seen |= 1u << k;
		return keys[k].read(h, word + length);
	}
	return false;
}

static bool
is_complete(uint32_t seen)
{
	for (size_t k = 0; k < ARRAY_COUNT(keys); k++)
		if ((keys[k].flags & NEEDED) != 0 && (seen & 1u << k) == 0)
			return false;
	return true;
}

bool
handover_read(const char *text, struct handover *out)
{
	uint32_t seen = 0;
	char word[WORD_SIZE];

	memset(out, 0, sizeof(*out));
	if (strncmp(text, VERSION_WORD " ", strlen(VERSION_WORD) + 1) != 0)
		return false;
	text += strlen(VERSION_WORD);
	while (*text == ' ') {
		const size_t length = strcspn(++text, " ");

		if (length >= sizeof(word))
			return false;
		text_copy(word, length + 1, text);
		if (!word_read(out, word, &seen))
			return false;
		text += length;
	}
	return is_complete(seen) &&
	    (out->password_length == 0 || out->user_length > 0);
}

char *
handover_table(char *text)
{
	char *found = strstr(text, " table=");

	return found == NULL ||
		strlen(found) <
		    strlen(" table=") + TABLE_DIGITS + 1 + INODE_DIGITS ?
	    NULL :
	    found + strlen(" table=");
}

void
handover_set_table(char *word, int table, uint64_t inode)
{
	const struct handover h = { .table = table, .table_inode = inode };
	char buffer[TABLE_DIGITS + 1 + INODE_DIGITS + 1];
	struct text value = text_in(buffer, sizeof(buffer));

	write_table(&value, &h, 0);
	memcpy(word, buffer, value.length);
}

/* `.domain` has what stands below it, and not itself. */
static bool
name_matches(const char *name, const char *rule)
{
	const size_t length = strlen(name);
	const size_t tail = strlen(rule);

	if (*rule != '.')
		return strcmp(name, rule) == 0;
	return length > tail && strcmp(name + length - tail, rule) == 0;
}

bool
handover_is_direct(const struct handover *h, const char *name)
{
	const char *at = h->direct_names;
	const char *end = at + h->direct_names_length;

	for (; at < end; at += strlen(at) + 1)
		if (name_matches(name, at))
			return true;
	return false;
}
