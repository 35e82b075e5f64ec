/* SPDX-License-Identifier: ISC */
/*
 * socks64-handler: one SOCKS5 session between IPv4 and IPv6, from an accepted
 * connection to its end.  RFC 3089, RFC 1928.
 *
 * main() is the session, step by step.  Every step behind session_open()
 * either comes back or ends the session, by session_fail() or session_end().
 */
#include "command/options.h"
#include "command/print.h"
#include "log/title.h"
#include "session/handshake.h"
#include "session/serve.h"
#include "session/session.h"
#include "session/start.h"

int
main(int argc, char **argv)
{
	static struct session session;
	struct session *s = &session;
	struct settings_source source;
	struct connection connection;
	struct options options;
	enum exit_status status;

	wait_prepare();
	title_prepare(argc, argv);
	options = options_read(argc, argv);
	if (options.mode != MODE_SESSION)
		return options_run(&options);
	connection = connection_find();
	if (connection.state == CONNECTION_NONE)
		return print_usage();

	source = options_source(&options);
	status = session_open(s, &connection, &source);
	if (status != STATUS_OK)
		return (int)status;
	session_confine(s, SANDBOX_NEGOTIATE);
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
