/* SPDX-License-Identifier: ISC */
/*
 * By more than the first octet: a line that begins with H is not HTTP yet.
 */
#include "wire/stranger.h"

#include <stdbool.h>
#include <string.h>

#include "base/array.h"

enum { SHOWN = 8, LINE_TEXT = 512, BEGINNING_TEXT = 24, NAME_TEXT = 80 };

/* What a protocol begins with; of those that begin alike the longer stands
 * first.  No pointers, which cost every start. */
static const struct {
	size_t length;
	char octets[BEGINNING_TEXT];
	char name[NAME_TEXT];
} beginnings[] = {
#define BEGINS(octets, name) \
	{ \
		sizeof(octets) - 1, octets, name \
	}
	BEGINS("\x16\x03", "a TLS handshake"),
	BEGINS("\r\n\r\n\0\r\nQUIT\n",
	    "a PROXY header of version 2, which proxy-protocol-from does not "
	    "expect"),
	BEGINS("PROXY ",
	    "a PROXY header, which proxy-protocol-from does not expect"),
	BEGINS("PRI * HTTP/2", "HTTP/2"),
	BEGINS("GET ", "HTTP (GET)"),
	BEGINS("HEAD ", "HTTP (HEAD)"),
	BEGINS("POST ", "HTTP (POST)"),
	BEGINS("PUT ", "HTTP (PUT)"),
	BEGINS("CONNECT ", "HTTP (CONNECT): this is no HTTP proxy"),
	BEGINS("OPTIONS ", "HTTP (OPTIONS)"),
	BEGINS("DELETE ", "HTTP (DELETE)"),
	BEGINS("PATCH ", "HTTP (PATCH)"),
	BEGINS("TRACE ", "HTTP (TRACE)"),
	BEGINS("PROPFIND ", "HTTP (PROPFIND)"),
	BEGINS("SSH-", "SSH"),
	BEGINS("EHLO ", "SMTP"),
	BEGINS("HELO ", "SMTP"),
	BEGINS("USER ", "FTP"),
	BEGINS("*1\r\n", "Redis"),
	BEGINS("JRMI", "Java RMI"),
	BEGINS("\x03\0\0", "RDP"),
	BEGINS("\xff\xfb", "TELNET"),
	BEGINS("\xff\xfd", "TELNET"),
	BEGINS("\x13"
	       "BitTorrent protocol",
	    "BitTorrent"),
	BEGINS("\r\n", "an empty line"),
#undef BEGINS
};

static bool
begins(const uint8_t *octets, size_t length, size_t i)
{
	return length >= beginnings[i].length &&
	    memcmp(octets, beginnings[i].octets, beginnings[i].length) == 0;
}

/* A line of RTSP or SIP begins as HTTP's may; the protocol stands behind. */
static const char *
line_protocol(const uint8_t *octets, size_t length)
{
	static const struct {
		char word[8];
		char name[8];
	} protocols[] = { { " RTSP/", "RTSP" }, { " SIP/", "SIP" } };
	const size_t line = length < LINE_TEXT ? length : LINE_TEXT;

	for (size_t i = 0; i < ARRAY_COUNT(protocols); i++)
		if (memmem(octets, line, protocols[i].word,
			strlen(protocols[i].word)) != NULL)
			return protocols[i].name;
	return NULL;
}

/* "HELP", or 48454c50 where it is no text. */
static void
add_octets(struct text *t, const uint8_t *octets, size_t length)
{
	const size_t shown = length < SHOWN ? length : SHOWN;
	bool text = true;

	for (size_t i = 0; i < shown; i++)
		text = text && octets[i] > ' ' && octets[i] < 0x7f &&
		    octets[i] != '"' && octets[i] != '\\';
	if (text)
		text_add_octets(t, octets, shown);
	for (size_t i = 0; !text && i < shown; i++)
		text_add_octet(t, octets[i]);
}

void
stranger_describe(struct text *t, const uint8_t *octets, size_t length)
{
	const char *name = line_protocol(octets, length);

	for (size_t i = 0; name == NULL && i < ARRAY_COUNT(beginnings); i++)
		if (begins(octets, length, i))
			name = beginnings[i].name;
	if (name != NULL) {
		text_add(t, name);
		return;
	}
	text_add(t,
	    length == 1 ? "the first octet is " : "the first octets are ");
	add_octets(t, octets, length);
}
