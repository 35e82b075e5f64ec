/* SPDX-License-Identifier: ISC */
/*
 * socks64-handler: one SOCKS5 session between IPv4 and IPv6, from an accepted
 * connection to its end.  RFC 3089, RFC 1928.
 *
 * main() is the session, step by step.  Every step behind session_open()
 * either comes back or ends the session, by session_fail() or session_end().
 */
#include "base/seldom.h"
#include "command/options.h"
#include "command/print.h"
#include "log/title.h"
#include "service/service.h"
#include "session/handshake.h"
#include "session/serve.h"
#include "session/session.h"
#include "session/start.h"

/* The one connection of this process. */
static enum exit_status
open_connection(struct session *s, const struct options *options)
{
	const struct connection connection = connection_find();
	const struct settings_source source = options_source(options);
	enum exit_status status;

	if (connection.state == CONNECTION_NONE)
		return (enum exit_status)print_usage();
	status = session_open(s, &connection, &source);
	if (status == STATUS_OK)
		session_confine(s, SANDBOX_NEGOTIATE);
	return status;
}

int
main(int argc, char **argv)
{
	static SELDOM struct session session;
	struct session *s = &session;
	struct options options;
	struct service service = { .options = &options, .arguments = argv };
	enum exit_status status;
	bool is_session = true;

	wait_prepare();
	title_prepare(argc, argv);
	options = options_read(argc, argv);
	if (options.mode != MODE_SESSION)
		return options_run(&options);

	/* Behind this step a listening process is one of its sessions. */
	status = service_wanted(&options) ?
	    service_run(&service, s, &is_session) :
	    open_connection(s, &options);
	if (status != STATUS_OK || !is_session)
		return (int)status;
	/* From here: octets of a stranger.  Nothing of this machine can be
	 * opened but what the resolver reads. */
	session_proxy(s);
	session_authenticate(s);
	/* From here: a client whom we know by address, and by name where
	 * `auth' asks for one. */
	session_request(s);
	/* From here: a whole request, which the rules judge first. */
	session_serve(s);
}
