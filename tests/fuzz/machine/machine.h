/* SPDX-License-Identifier: ISC */
/*
 * A machine that does not exist: the kernel, the clock, the files and the
 * network that a whole handler sees.  Nothing happens in it but what a script
 * says, and no time passes but where the handler waits: the same input does
 * the same again.
 *
 * Each hook_CALL() stands in the place of CALL in the objects of the handler
 * and of its libraries (tests.mk rewrites the names).  What the handler does
 * that no program may do, such as to close a descriptor twice, ends the test.
 */
#ifndef SOCKS64_FUZZ_MACHINE_H
#define SOCKS64_FUZZ_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "wire/address.h"

enum {
	THINGS = 256,      /* open files, of which several fds may speak */
	QUEUED = 64,       /* datagrams, connections: in one queue */
	RESULT_WORD = 32,  /* of a record */
	ARGUMENTS_MAX = 8, /* behind the program's name */
	FATES_MAX = 8,
	NEVER = -1, /* a fate, beside errnos */
};

/* ---------------------------------------------------------- its parts */

enum thing_kind {
	KIND_FREE,
	KIND_STREAM,
	KIND_LISTENER,
	KIND_DATAGRAMS,
	KIND_PIPE, /* either end */
	KIND_FILE,
	KIND_TABLE, /* the association table */
	KIND_DIRECTORY,
	KIND_MESSAGES, /* between the processes of the listening mode */
	KIND_SIGNALS,
	KIND_MEMORY, /* that processes share */
	KIND_LOG,    /* a unix-domain socket for datagrams */
	KIND_OUTPUT, /* stdout and stderr */
	KIND_NULL,   /* /dev/null */
	KIND_OTHER,
};

/* Octets in a row that were written, of which some are read. */
struct octets {
	uint8_t *at;
	size_t read;
	size_t written;
	size_t size;
};

/* An open file. */
struct thing {
	enum thing_kind kind;
	unsigned references;
	bool client; /* the connection that the session is for */

	/* Sockets.  in is what the handler may read, out what it wrote and the
	 * peer has read up to out.read. */
	enum family family;
	struct address local;
	struct address peer;
	struct octets in;
	struct octets out;
	size_t lengths[QUEUED]; /* of datagrams in `in' */
	struct address from[QUEUED];
	size_t queued; /* of these, or connections in `from' */
	size_t first;
	bool bound;
	bool connecting;
	bool connected;
	int fate;  /* what becomes of `connecting' */
	int error; /* SO_ERROR */
	bool peer_ended;
	bool peer_reset;
	bool gone;   /* the handler was told of that */
	bool ended;  /* shutdown(SHUT_WR) */
	bool resets; /* SO_LINGER of 0 s */
	bool marked; /* the octet at `mark' in `in' is urgent */
	size_t mark;
	bool dns_tcp;
	bool promised; /* a peer was told that octets will be relayed */

	/* Files. */
	const char *text;
	size_t length;
	size_t offset;
	struct thing *other; /* end of a pipe */
};

/* ------------------------------------------------- what a target chooses */

struct scenario {
	const char *configuration;
	const char *hosts;
	const char *resolv_conf;
	const char *arguments[ARGUMENTS_MAX]; /* NULL behind the last */
	bool client_ipv6;
	bool client_unix;
	bool no_ipv6; /* there is no route */
	bool no_ipv4;
	bool zone_answers; /* the name server, by itself */
	bool zone_no_ipv4; /* no A records in it */
	bool zone_no_ipv6;
	bool has_table;  /* a directory for the table */
	bool no_tmpfile; /* its file system has no O_TMPFILE */
	bool as_root;
	bool proxied;      /* the configuration wants a PROXY header */
	bool ftp;          /* it may translate: octets are not what was said */
	bool hop;          /* it leads to a next gateway */
	bool names_decide; /* what is dialled was said by a name server */
	bool listens;      /* -l: its clients come by the script */
	unsigned forks;    /* bit n: the run goes on as the child of fork n */
	bool no_session;   /* the arguments ask for something else */
	bool stays;        /* at the script's end the client stays silent */
	size_t reads_at_most;   /* octets at once; 0: all */
	size_t window;          /* what a peer lets lie unread; 0: much */
	int fates[FATES_MAX];   /* of each connect(2): errno, 0, NEVER */
	bool fates_now;         /* known when connect(2) returns */
	const uint8_t *prelude; /* what the client says first */
	size_t prelude_length;
	const uint8_t *script;
	size_t script_length;
};

/* ------------------------------------------------------ what came of it */

struct machine {
	struct scenario scenario;
	struct thing things[THINGS];
	int fds[THINGS];        /* thing, -1: not open */
	struct thing *client;   /* NULL: there is none yet */
	struct thing *accepted; /* the last one */
	int64_t now;            /* microseconds */
	int64_t pause; /* so long nothing happens but what the handler does */
	unsigned calls;
	bool over;      /* the script is */
	bool closed;    /* and all peers are gone */
	bool term_read; /* it is read from a descriptor */
	bool term;      /* SIGTERM is pending */
	int status;     /* of the exit */
	unsigned records;
	char result[RESULT_WORD];
	uint64_t record_up;
	uint64_t record_down;
	bool record_ftp;        /* the record has alg= */
	struct address sent_to; /* the last datagram */
};

extern struct machine machine;

/* Runs the handler from main() to its end, and judges what it did. */
void machine_run(const struct scenario *scenario);

/* Ends the test. */
_Noreturn void machine_fail(const char *why);
void machine_check(bool holds, const char *why);

/* ------------------------------------------------- between its files */

struct thing *thing_new(enum thing_kind kind);
struct thing *thing_of(int fd); /* NULL, and errno: it is not open */
int fd_new(struct thing *thing, int least);
void thing_release(struct thing *thing);

void octets_put(struct octets *o, const void *data, size_t length);
size_t octets_take(struct octets *o, void *out, size_t length);
size_t octets_left(const struct octets *o);
void octets_free(struct octets *o);

/* A stream with room for the handler's octets; and what happens to it. */
size_t stream_room(const struct thing *thing);
short stream_events(const struct thing *thing);
void stream_settle(struct thing *thing); /* its fate */
void stream_close(struct thing *thing);
void stream_drain(struct thing *thing);

bool datagram_put(struct thing *thing, const struct address *from,
    const void *data, size_t length);
/* As recvfrom(2) with MSG_TRUNC; as sendto(2). */
ssize_t datagram_take(struct thing *thing, struct address *from, void *out,
    size_t length);
ssize_t datagram_send(struct thing *thing, const struct address *to,
    const void *data, size_t length);
ssize_t hook_recvfrom(int fd, void *out, size_t length, int flags,
    struct sockaddr *from, socklen_t *from_length);
ssize_t hook_sendto(int fd, const void *data, size_t length, int flags,
    const struct sockaddr *to, socklen_t to_length);

/* A question reached a name server. */
void names_ask(struct thing *thing, const uint8_t *data, size_t length);
/* What the handler wrote to one by TCP. */
void names_stream(struct thing *thing);
/* Answers the oldest question: how, and what with.  False: there is none. */
bool names_answer(unsigned how, const uint8_t *data, size_t length);
/* Had an answer with the right ID these octets? */
bool names_said(const uint8_t *octets, size_t length);
void names_reset(void);
bool names_pending(void);

/* Has this machine that address? */
bool address_is_ours(const struct address *a);
bool address_is_routed(const struct address *a);

/* One step of the script, or what comes behind it; false: nothing more. */
bool script_turn(void);
void script_start(void);

void log_take(const char *text, size_t length);
uid_t hook_geteuid(void);
void files_reset(void);
void process_reset(void);
/* Was SIGTERM pending, and has the handler seen it now? */
bool process_takes_signal(void);
/* The processes of the listening mode. */
struct signalfd_siginfo;
void family_reset(void);
long family_clone(_Atomic int32_t *pid, _Atomic int32_t *its_own);
void *family_memory(size_t length, off_t offset);
void family_signal(int number);
bool family_has_signal(void);
bool family_take_signal(struct signalfd_siginfo *out);
void family_end(unsigned which, int status); /* of a child */
pid_t family_child(unsigned which);
void family_tell(pid_t sender, const void *data, size_t length);

/* What somebody sent in a datagram. */
void judge_said(const uint8_t *data, size_t length);
void judge_reset(void);
void judge(void);
void judge_datagram(const struct thing *thing, const struct address *to,
    const uint8_t *data, size_t length);

#endif
