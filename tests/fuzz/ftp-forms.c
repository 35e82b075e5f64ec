/* SPDX-License-Identifier: ISC */
/*
 * Any octets as each address form of FTP: what is parsed is an address of its
 * form's family with a port, parse(format(x)) is x, and nothing else is
 * written.
 */
#include <stdlib.h>
#include <string.h>

#include "alg/forms.h"

enum { FORM_TEXT = 128, UNTOUCHED = 0x7777 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef enum form parse(const uint8_t *text, size_t length,
    struct address *out);

static void
same(const struct address *a, const struct address *b)
{
	if (!address_equal(a, b) || a->port != b->port)
		abort();
}

static void
again(parse *parse_form, const struct text *t, const struct address *a)
{
	struct address back;

	if (t->cut ||
	    parse_form((const uint8_t *)t->start, t->length, &back) !=
		FORM_DONE)
		abort();
	same(a, &back);
}

/* Every form that can say it says the same. */
static void
round_trip(const struct address *a)
{
	char buffer[FORM_TEXT];
	struct text t = text_in(buffer, sizeof(buffer));

	form_eprt_add(&t, a);
	again(form_eprt_parse, &t, a);
	t = text_in(buffer, sizeof(buffer));
	form_lprt_add(&t, a, false);
	again(form_lprt_parse, &t, a);
	again(form_228_parse, &t, a);
	t = text_in(buffer, sizeof(buffer));
	form_lprt_add(&t, a, true);
	again(form_lprt_parse, &t, a);
	if (a->family != FAMILY_IPV4)
		return;
	t = text_in(buffer, sizeof(buffer));
	form_port_add(&t, a);
	again(form_port_parse, &t, a);
	again(form_227_parse, &t, a);
}

static void
try_form(parse *parse_form, const uint8_t *data, size_t size)
{
	struct address a = { .port = UNTOUCHED };
	const enum form form = parse_form(data, size, &a);

	if (form != FORM_DONE &&
	    (a.port != UNTOUCHED || a.family != FAMILY_NONE))
		abort();
	if (form != FORM_DONE)
		return;
	if (a.port == 0 || a.family == FAMILY_NONE)
		abort();
	round_trip(&a);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint16_t port = 0;

	try_form(form_port_parse, data, size);
	try_form(form_eprt_parse, data, size);
	try_form(form_lprt_parse, data, size);
	try_form(form_227_parse, data, size);
	try_form(form_228_parse, data, size);
	if (form_229_parse(data, size, &port) == FORM_DONE && port == 0)
		abort();
	return 0;
}
