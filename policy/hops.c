/* SPDX-License-Identifier: ISC */
/*
 * Next gateways: HOST:PORT from text, and their password files.
 */
#include "policy/hops.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/password.h"
#include "policy/reader.h"
#include "wire/name.h"

/* ------------------------------------------------------------ HOST:PORT */

/* Which HOST:PORT is meant, whatever its spelling; text, name and address of
 * *out.  False: none. */
static bool
hop_parse(struct reader *r, const char *text, struct hop *out)
{
	const char *colon = strrchr(text, ':');
	char name[NAME_LENGTH_MAX + 1];
	char buffer[NAME_LENGTH_MAX + sizeof(":65535")];
	struct text t = text_in(buffer, sizeof(buffer));
	uint16_t port;

	*out = (struct hop){ .password = -1 };
	if (colon == NULL ||
	    !port_parse(colon + 1, strlen(colon + 1), 1, &port))
		return false;
	switch (name_classify((const uint8_t *)text, (size_t)(colon - text),
	    name, &out->address)) {
	case NAME_HOST:
		out->name = reader_keep(r, name);
		text_add(&t, name);
		text_add_char(&t, ':');
		text_add_number(&t, port);
		break;
	case NAME_LITERAL:
		out->address.port = port;
		address_add_port(&t, &out->address);
		break;
	case NAME_BAD: return false;
	}
	out->address.port = port;
	out->text = reader_keep(r, buffer);
	return true;
}

struct hop *
hop_find(struct reader *r, struct hops *hops, const char *text)
{
	struct hop hop;

	if (!hop_parse(r, text, &hop)) {
		reader_refuse(r, "", text,
		    " is no HOST:PORT of a next "
		    "gateway (IPv6 in brackets)");
		return NULL;
	}
	if (hop.text == NULL)
		return NULL;
	for (size_t i = 0; i < hops->count; i++)
		if (strcmp(hops->list[i].text, hop.text) == 0)
			return &hops->list[i];
	if (hops->count == HOPS_MAX) {
		reader_error(r, "more than 16 next gateways");
		return NULL;
	}
	hops->list[hops->count] = hop;
	return &hops->list[hops->count++];
}

/* ----------------------------------------------------------- passwords */

bool
hops_open(struct hops *hops, struct reader *r)
{
	bool open = true;

	for (size_t i = 0; i < hops->count; i++) {
		struct hop *hop = &hops->list[i];

		if (!hop->used || hop->password_file == NULL)
			continue;
		hop->password = password_open_file(r, hop->password_file);
		open = open && hop->password != -1;
	}
	return open;
}

void
hops_close(struct hops *hops)
{
	for (size_t i = 0; i < hops->count; i++) {
		if (hops->list[i].password != -1)
			(void)close(hops->list[i].password);
		hops->list[i].password = -1;
	}
}

/* Cuts a field off *rest, up to `end' or to the end of the text. */
static bool
cut_field(const char **rest, char end, const uint8_t **field, size_t *length)
{
	const char *stop = strchr(*rest, end);

	*field = (const uint8_t *)*rest;
	*length = stop == NULL ? strlen(*rest) : (size_t)(stop - *rest);
	*rest += *length + (stop == NULL ? 0 : 1);
	return *length > 0 && *length <= LOGIN_FIELD_MAX;
}

bool
hop_login(const struct hop *hop, char buffer[HOP_LOGIN_TEXT],
    struct login *out)
{
	const ssize_t n = pread(hop->password, buffer, HOP_LOGIN_TEXT - 1, 0);
	const char *rest = buffer;

	if (n < 0)
		return false;
	errno = 0;
	buffer[n] = '\0';
	buffer[strcspn(buffer, "\r\n")] = '\0';
	return strchr(buffer, ':') != NULL &&
	    cut_field(&rest, ':', &out->user, &out->user_length) &&
	    cut_field(&rest, '\0', &out->password, &out->password_length);
}
