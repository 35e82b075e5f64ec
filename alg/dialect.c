/* SPDX-License-Identifier: ISC */
/*
 * SECURITY: what is not known to be FTP is not FTP.  A client that is wronged
 * here loses the translation, and no octet.
 */
#include "alg/dialect.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"

enum { VERB_MAX = 4, VERB_MIN = 3 };

/*
 * RFC 959, 1123 (the X forms of RFC 775), 1639, 2228, 2389, 2428, 2640, 3659,
 * 6384, 7151; and two by which clients give their names, of no RFC.
 */
static const char verbs[][VERB_MAX + 1] = {
	"ABOR",
	"ACCT",
	"ADAT",
	"ALGS",
	"ALLO",
	"APPE",
	"AUTH",
	"CCC",
	"CDUP",
	"CLNT",
	"CONF",
	"CSID",
	"CWD",
	"DELE",
	"ENC",
	"EPRT",
	"EPSV",
	"FEAT",
	"HELP",
	"HOST",
	"LANG",
	"LIST",
	"LPRT",
	"LPSV",
	"MDTM",
	"MIC",
	"MKD",
	"MLSD",
	"MLST",
	"MODE",
	"NLST",
	"NOOP",
	"OPTS",
	"PASS",
	"PASV",
	"PBSZ",
	"PORT",
	"PROT",
	"PWD",
	"QUIT",
	"REIN",
	"REST",
	"RETR",
	"RMD",
	"RNFR",
	"RNTO",
	"SITE",
	"SIZE",
	"SMNT",
	"STAT",
	"STOR",
	"STOU",
	"STRU",
	"SYST",
	"TYPE",
	"USER",
	"XCUP",
	"XCWD",
	"XMKD",
	"XPWD",
	"XRMD",
};

static const uint8_t http[] = " HTTP/";
enum { HTTP_LENGTH = sizeof(http) - 1 };

static bool
begins_with(const uint8_t *text, const uint8_t *word, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text_upper(text[i]) != word[i])
			return false;
	return true;
}

/* Tells whether some verb is that word, or, for a part of one, begins like
 * it. */
static bool
is_verb(const uint8_t *word, size_t length, bool part)
{
	for (size_t i = 0; i < ARRAY_COUNT(verbs); i++)
		if ((part || verbs[i][length] == '\0') &&
		    begins_with(word, (const uint8_t *)verbs[i], length))
			return true;
	return false;
}

static bool
begins_with_verb(const uint8_t *line, size_t length, bool whole)
{
	size_t n = 0;

	while (n < length && text_upper(line[n]) >= 'A' &&
	    text_upper(line[n]) <= 'Z')
		n++;
	if (n > VERB_MAX || (n < VERB_MIN && (whole || n < length)))
		return false;
	if (n < length && line[n] != ' ' && line[n] != '\t')
		return false;
	return is_verb(line, n, !whole && n == length);
}

static bool
is_printable(const uint8_t *line, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return false;
	return true;
}

/* Tells whether " HTTP/" is in the line. */
static bool
has_http(const uint8_t *line, size_t length)
{
	for (size_t i = 0; i + HTTP_LENGTH <= length; i++)
		if (begins_with(line + i, http, HTTP_LENGTH))
			return true;
	return false;
}

bool
dialect_is_ftp(const uint8_t *line, size_t length, bool whole)
{
	return begins_with_verb(line, length, whole) &&
	    is_printable(line, length) && !has_http(line, length);
}

bool
dialect_is_http(const uint8_t *line, size_t length)
{
	size_t n = length;

	while (n > 0 &&
	    ((line[n - 1] >= '0' && line[n - 1] <= '9') ||
		line[n - 1] == '.' || line[n - 1] == ' '))
		n--;
	return n < length && n >= HTTP_LENGTH &&
	    begins_with(line + n - HTTP_LENGTH, http, HTTP_LENGTH);
}
