/* SPDX-License-Identifier: ISC */
/*
 * Lines out of octets.  Before a line one octet at a time goes through the
 * Telnet filter; what comes out of it begins the line.
 */
#include "alg/line.h"

#include <string.h>

/* RFC 854. */
enum {
	TELNET_SE = 0xf0,
	TELNET_DM = 0xf2,
	TELNET_IP = 0xf4,
	TELNET_SB = 0xfa,
	TELNET_WILL = 0xfb,
	TELNET_WONT = 0xfc,
	TELNET_DO = 0xfd,
	TELNET_DONT = 0xfe,
	TELNET_IAC = 0xff,
	SUBNEGOTIATION_MAX = 512,
};

/* Where the Telnet filter stands. */
enum telnet {
	IN_DATA,
	AFTER_IAC,
	AFTER_WILL,
	AFTER_DO,
	AFTER_WONT_OR_DONT,
	AFTER_INTERRUPT, /* IAC IP */
	IN_SUBNEGOTIATION,
	IN_SUBNEGOTIATION_IAC, /* IAC inside of it */
};

void
line_start(struct line_reader *r, size_t limit, bool keep_long)
{
	memset(r, 0, sizeof(*r));
	r->limit = limit;
	r->keep_long = keep_long;
	r->begins = true;
}

/* Appends an octet, or drops it and all that follow it in the line. */
static void
push(struct line_reader *r, uint8_t octet)
{
	if (r->length == r->limit)
		r->dropping = true;
	else
		r->octets[r->length++] = octet;
}

/* Takes one octet of data.  Returns true where the line ends with it. */
static bool
take_data(struct line_reader *r, uint8_t octet)
{
	const bool after_return = r->carriage_return;

	r->carriage_return = octet == '\r';
	if (octet == '\n')
		return true;
	if (after_return)
		push(r, '\r');
	if (octet != '\r')
		push(r, octet);
	return false;
}

static enum line_event
refuse(struct line_reader *r, uint8_t verb, uint8_t option)
{
	const uint8_t answer[LINE_ANSWER] = { TELNET_IAC, verb, option };

	memcpy(r->answer, answer, sizeof(answer));
	r->telnet = IN_DATA;
	return LINE_REFUSED;
}

/* Says what IAC and `octet` are.  Returns true where both are data. */
static bool
after_iac(struct line_reader *r, uint8_t octet)
{
	r->telnet = IN_DATA;
	switch (octet) {
	case TELNET_WILL: r->telnet = AFTER_WILL; return false;
	case TELNET_DO: r->telnet = AFTER_DO; return false;
	case TELNET_WONT:
	case TELNET_DONT: r->telnet = AFTER_WONT_OR_DONT; return false;
	case TELNET_SB:
		r->telnet = IN_SUBNEGOTIATION;
		r->subnegotiation = 0;
		return false;
	case TELNET_IP:
		r->telnet = AFTER_INTERRUPT;
		r->urgent = true;
		return false;
	case TELNET_DM: r->urgent = true; return false;
	case TELNET_IAC: return true;
	default: return octet < TELNET_SE;
	}
}

/* SECURITY: a subnegotiation without an end does not swallow the session:
 * behind the limit there is data again. */
static void
in_subnegotiation(struct line_reader *r, uint8_t octet)
{
	if (r->telnet == IN_SUBNEGOTIATION_IAC)
		r->telnet = octet == TELNET_SE ? IN_DATA : IN_SUBNEGOTIATION;
	else if (octet == TELNET_IAC)
		r->telnet = IN_SUBNEGOTIATION_IAC;
	if (r->telnet != IN_DATA && ++r->subnegotiation > SUBNEGOTIATION_MAX)
		r->telnet = IN_DATA;
}

/* Says what one octet of data led to: a line, a part of one, or nothing
 * yet. */
static enum line_event
data_event(struct line_reader *r, bool ended)
{
	if (ended && r->dropping) {
		r->given = true;
		return LINE_TOO_LONG;
	}
	if (ended) {
		r->given = true;
		return LINE_WHOLE;
	}
	/* There is room for a CR that waits and for two octets behind it. */
	if (r->keep_long && r->length + 4 > r->limit) {
		r->given = true;
		r->in_parts = true;
		return LINE_PART;
	}
	return LINE_MORE;
}

static enum line_event
take_iac_data(struct line_reader *r, uint8_t octet)
{
	(void)take_data(r, TELNET_IAC);
	return data_event(r, take_data(r, octet));
}

/* Tells whether the next octet may be one of Telnet's. */
static bool
is_between_lines(const struct line_reader *r)
{
	return r->begins && r->length == 0 && !r->carriage_return && !r->text;
}

/* Takes one octet.  Returns LINE_MORE where there is no event. */
static enum line_event
take_octet(struct line_reader *r, uint8_t octet)
{
	switch ((enum telnet)r->telnet) {
	case AFTER_IAC:
		return after_iac(r, octet) ? take_iac_data(r, octet) :
					     LINE_MORE;
	case AFTER_WILL: return refuse(r, TELNET_DONT, octet);
	case AFTER_DO: return refuse(r, TELNET_WONT, octet);
	case AFTER_WONT_OR_DONT: r->telnet = IN_DATA; return LINE_MORE;
	case IN_SUBNEGOTIATION:
	case IN_SUBNEGOTIATION_IAC:
		in_subnegotiation(r, octet);
		return LINE_MORE;
	case AFTER_INTERRUPT:
		/* Some clients send the Data Mark without IAC, as the urgent
		 * octet. */
		r->telnet = IN_DATA;
		if (octet == TELNET_DM)
			return LINE_MORE;
		break;
	case IN_DATA: break;
	}
	if (octet == TELNET_IAC && is_between_lines(r)) {
		r->telnet = AFTER_IAC;
		return LINE_MORE;
	}
	return data_event(r, take_data(r, octet));
}

/* Begins anew behind an event that gave a line. */
static void
line_next(struct line_reader *r)
{
	r->begins = !r->in_parts;
	if (r->begins)
		r->urgent = false;
	r->length = 0;
	r->dropping = false;
	r->given = false;
	r->touched = false;
}

bool
line_is_next(const struct line_reader *r)
{
	return r->given ? !r->in_parts : r->begins && !r->touched;
}

enum line_event
line_read(struct line_reader *r, struct cursor *c)
{
	if (r->given)
		line_next(r);
	while (c->left > 0) {
		const enum line_event event = take_octet(r, cursor_u8(c));

		r->touched = true;
		if (event == LINE_WHOLE || event == LINE_TOO_LONG)
			r->in_parts = false;
		if (event != LINE_MORE)
			return event;
	}
	return LINE_MORE;
}
