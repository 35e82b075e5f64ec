/* SPDX-License-Identifier: ISC */
/*
 * One function for each dialect of answers.  Pure.
 */
#include "session/reply.h"

#include "wire/login.h"

typedef size_t response_format(const struct response *response,
    uint8_t octets[REPLY_MAX]);

/* VER METHOD */
static size_t
format_method(const struct response *response, uint8_t octets[REPLY_MAX])
{
	octets[0] = SOCKS5_VERSION;
	octets[1] = response->reply == REPLY_SUCCEEDED ?
	    (uint8_t)response->method :
	    SOCKS5_METHOD_NO_ACCEPTABLE;
	return 2;
}

/* VER STATUS */
static size_t
format_login(const struct response *response, uint8_t octets[REPLY_MAX])
{
	login_reply_format(response->reply == REPLY_SUCCEEDED, octets);
	return LOGIN_REPLY_SIZE;
}

/* VER REP FLAG ATYP BND.ADDR BND.PORT */
static size_t
format_request(const struct response *response, uint8_t octets[REPLY_MAX])
{
	const uint16_t port = response->bound == NULL ? 0 :
							response->bound->port;
	size_t length;

	if (response->id != 0)
		length = socks5_reply_format_id(response->reply, response->id,
		    port, octets);
	else if (response->name != NULL)
		length = socks5_reply_format_name(response->reply,
		    response->name, octets);
	else
		length = socks5_reply_format(response->reply, response->bound,
		    octets);

	octets[SOCKS5_REPLY_FLAG] = response->flag;
	return length;
}

/* VN CD DSTPORT DSTIP */
static size_t
format_socks4(const struct response *response, uint8_t octets[REPLY_MAX])
{
	return socks4_reply_format(response->reply, response->bound, octets);
}

bool
reply_is_to_request(enum stage stage)
{
	return stage == STAGE_REQUEST || stage == STAGE_SOCKS4;
}

size_t
reply_format(enum stage stage, const struct response *response,
    uint8_t octets[REPLY_MAX])
{
	static response_format *const formats[] = {
		[STAGE_SILENT] = NULL,
		[STAGE_METHOD] = format_method,
		[STAGE_LOGIN] = format_login,
		[STAGE_REQUEST] = format_request,
		[STAGE_SOCKS4] = format_socks4,
	};

	return formats[stage] == NULL ? 0 : formats[stage](response, octets);
}
