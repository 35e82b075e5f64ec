/* SPDX-License-Identifier: ISC */
/*
 * The control connection between its two sides: octets that came, octets to
 * be written, and all that is remembered between a command and its reply.
 * Here lines are written; alg/translate.h decides which.
 *
 * A command that is answered here, or in the translator's words, waits until
 * all before it are answered, and holds back those behind it until it is.  So
 * the order of commands and of replies is always the client's, and no other
 * reply is taken for the one to it.  Both waits end when the server has been
 * silent for too long (alg/intake.h): it forgot an answer.
 */
#ifndef SOCKS64_ALG_CONTROL_H
#define SOCKS64_ALG_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alg/alg.h"
#include "alg/channels.h"
#include "alg/commands.h"
#include "alg/line.h"
#include "alg/queue.h"
#include "alg/replies.h"
#include "alg/stream.h"

struct control {
	struct alg *alg;
	enum pair pair;
	bool translating;  /* false after ALGS DISABLE64 */
	bool greeted;      /* the server's greeting is complete */
	bool login_asked;  /* USER, PASS or ACCT went to the server */
	bool logged_in;    /* the server granted a login */
	bool all;          /* EPSV ALL was granted */
	bool waits;        /* the command in k->commands is to be taken when
			      those before it are answered */
	bool patient;      /* false: it is to be taken now */
	bool held;         /* the next command waits for a reply */
	bool reply_waits;  /* the line in k->replies, a transfer's end, is to
			      be taken when the client has the data */
	bool delivered;    /* it has */
	bool odd;          /* the server is in a line before its first code */
	bool raw;          /* there are no lines any more, whatever comes */
	bool over;         /* it is to be torn down; alg->reason says why */
	bool client_ended; /* nothing comes behind what is in from_client */
	bool server_ended; /* nothing comes behind what is in from_server */
	unsigned passive;  /* the way that the server took last time: the n of
			      command_passive_way() */
	unsigned active;   /* the same of command_active_way() */

	struct line_reader commands;
	enum line_event command; /* what k->commands has, where it waits */
	struct line_reader replies;
	enum line_event reply; /* the same of k->replies */
	struct reply_reader reader;
	struct queue queue;

	/* The reply that is being read. */
	struct waiting_command *owner; /* in the queue; NULL for nobody's */
	bool swallow;                  /* it does not go on */
	uint16_t found;                /* the port that it announces, or 0 */
	bool cut;                      /* a line of it was too long to read */
	size_t odd_octets;             /* before the first code of all */

	/* What the active command that waits announces. */
	struct address announced; /* the gateway's address for the server */
	struct address live_bind; /* the client's BIND that it names, in the
				     server's family; FAMILY_NONE where it
				     names the client itself */
	struct address alias;     /* what the answer to the passive command
				     that waits names the server by */

	struct channels channels;
	struct table_handle data; /* the announcement that is in the table */

	/* What was read and not yet taken apart; what is to be written.  While
	 * the client may turn out to speak no FTP, the beginning of a line
	 * stays in its stream, though the reader has it. */
	struct stream from_client;
	struct stream from_server;
	struct stream to_client;
	struct stream to_server;
};

/* Makes a new control connection of *a, which it borrows.  *k is zero. */
void control_start(struct control *k, struct alg *a);

/* Tells whether the next command may be read now. */
bool control_takes_commands(const struct control *k);

/* Tells whether there is room for what one more line may become. */
bool control_has_room(const struct control *k);

/* Appends a command to the queue of those that wait for a reply; it was asked
 * as `ask' and goes to the server as `way'. */
void control_expect(struct control *k, enum waiting waiting, enum ask ask,
    enum ask way);

/* Sends the command in k->commands on as it is. */
void control_pass_command(struct control *k, enum waiting waiting,
    enum ask ask);

/* Sends the line in k->replies on as it is; with its end where `event' is
 * LINE_WHOLE. */
void control_pass_reply(struct control *k, enum line_event event);

/* The client speaks no FTP, or does so no more: lines are over, and nothing is
 * translated, announced or dialled for any more. */
void control_leave(struct control *k);

/* Sends on what the server has said so far of a line, unless it could be part
 * of a reply that is to be replaced. */
void control_pass_last_words(struct control *k);

/* Writes a line, given without its end. */
void control_tell_client(struct control *k, const char *text);
void control_tell_server(struct control *k, const char *text);

/*
 * Answers the command that was read with `say', a static text: the server
 * gets a NOOP in its place (RFC 6384 13).  Later commands are held until it
 * has answered.
 */
void control_say(struct control *k, const char *say);

#endif
