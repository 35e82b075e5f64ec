/* SPDX-License-Identifier: ISC */
/*
 * The pure parts of the FTP translator, for tests/ftp.bats: vectors of the
 * RFCs, each cut at every octet where it is a stream.  Prints what fails.
 */
#include <stdio.h>
#include <string.h>

#include "alg/commands.h"
#include "alg/forms.h"
#include "alg/line.h"
#include "alg/queue.h"
#include "alg/replies.h"
#include "base/array.h"

static unsigned failed;

static void
check(bool holds, const char *what, const char *of)
{
	if (holds)
		return;
	printf("%s: %s\n", what, of);
	failed++;
}

/* --- Forms. --- */

typedef enum form parse(const uint8_t *text, size_t length,
    struct address *out);

static const struct {
	parse *parse;
	const char *text;
	const char *address; /* NULL: FORM_BAD; "": FORM_FAMILY */
} forms[] = {
	{ form_port_parse, "192,0,2,31,20,162", "192.0.2.31:5282" },
	{ form_port_parse, "192,0,2,31,20,162  ", "192.0.2.31:5282" },
	{ form_port_parse, "001,002,003,004,005,006", "1.2.3.4:1286" },
	{ form_port_parse, "192,0,2,31,20", NULL },
	{ form_port_parse, "192,0,2,31,20,162,1", NULL },
	{ form_port_parse, "192,0,2,31,20,162x", NULL },
	{ form_port_parse, "192,0,2,31,0,0", NULL },
	{ form_port_parse, "192,0,2,256,20,162", NULL },
	{ form_port_parse, "192,0,2,0031,20,162", NULL },
	{ form_port_parse, "192,0,2,-1,20,162", NULL },
	{ form_port_parse, "192,0,2,+1,20,162", NULL },
	{ form_port_parse, "192.0.2.31,20,162", NULL },
	{ form_port_parse, " 192,0,2,31,20,162", NULL },
	{ form_port_parse, "", NULL },
	{ form_eprt_parse, "|1|132.235.1.2|6275|", "132.235.1.2:6275" },
	{ form_eprt_parse, "|2|1080::8:800:200C:417A|5282|",
	    "[1080::8:800:200c:417a]:5282" },
	{ form_eprt_parse, "~2~2001:db8::1~65535~", "[2001:db8::1]:65535" },
	{ form_eprt_parse, "|2|::ffff:192.0.2.1|21|", "192.0.2.1:21" },
	{ form_eprt_parse, "|3|x|1|", "" },
	{ form_eprt_parse, "|22|x|1|", "" },
	{ form_eprt_parse, "|1|2001:db8::1|21|", NULL },
	{ form_eprt_parse, "|2|192.0.2.1|21|", NULL },
	{ form_eprt_parse, "|2|2001:db8::1%lo|21|", NULL },
	{ form_eprt_parse, "|2|localhost|21|", NULL },
	{ form_eprt_parse, "|1|192.0.2.1|0|", NULL },
	{ form_eprt_parse, "|1|192.0.2.1|65536|", NULL },
	{ form_eprt_parse, "|1|192.0.2.1|021|", NULL },
	{ form_eprt_parse, "|1|192.0.2.1|21", NULL },
	{ form_eprt_parse, "|1|192.0.2.1|21|x", NULL },
	{ form_eprt_parse, "|1|192.0.2.1|", NULL },
	{ form_eprt_parse, "a1a192.0.2.1a21a", NULL },
	{ form_eprt_parse, ":2:2001:db8::1:21:", NULL },
	{ form_eprt_parse, "||192.0.2.1|21|", NULL },
	{ form_lprt_parse,
	    "6,16,32,1,13,184,0,2,0,0,0,0,0,0,0,0,0,49,2,20,162",
	    "[2001:db8:2::31]:5282" },
	{ form_lprt_parse, "4,4,192,0,2,31,2,20,162", "192.0.2.31:5282" },
	{ form_lprt_parse, "16,0,2,1,1", "" },
	{ form_lprt_parse, "6,4,192,0,2,31,2,20,162", NULL },
	{ form_lprt_parse, "4,4,192,0,2,31,3,0,20,162", NULL },
	{ form_lprt_parse, "4,4,192,0,2,31,2,20", NULL },
	{ form_lprt_parse, "4,4,192,0,2,31,2,20,162,1", NULL },
	{ form_lprt_parse, "4,4,192,0,2,31,2,0,0", NULL },
	{ form_227_parse, " Entering Passive Mode (192,0,2,31,237,19)",
	    "192.0.2.31:60691" },
	{ form_227_parse, " Entering Passive Mode. 192,0,2,31,237,19",
	    "192.0.2.31:60691" },
	{ form_227_parse, " =192, 0, 2, 31, 237, 19.", "192.0.2.31:60691" },
	{ form_227_parse, " Mode 2 (192,0,2,31,237,19)", "192.0.2.31:60691" },
	{ form_227_parse, "10.0.0.1:1,2,3 is 192,0,2,31,237,19",
	    "192.0.2.31:60691" },
	{ form_227_parse, " 256,0,2,31,237,19 192,0,2,31,237,19",
	    "192.0.2.31:60691" },
	{ form_227_parse, " 192,0,2,31,237,19 1,2,3,4,5,6",
	    "192.0.2.31:60691" },
	{ form_227_parse, " (1, 192,0,2,31,237,19)", NULL },
	{ form_227_parse, " (0192,0,2,31,237,19)", NULL },
	{ form_227_parse, "", NULL },
	{ form_227_parse, " no numbers", NULL },
	{ form_227_parse, " (1,2,3,4,5)", NULL },
	{ form_227_parse, " (1,2,3,4,5,6,7)", NULL },
	{ form_228_parse,
	    " Entering Long Passive Mode (6,16,32,1,13,184,0,"
	    "0,0,0,0,0,0,0,0,0,0,9,2,237,19)",
	    "[2001:db8::9]:60691" },
	{ form_228_parse, " (4,4,192,0,2,31,2,237,19)", "192.0.2.31:60691" },
	{ form_228_parse, " (6,4,192,0,2,31,2,237,19)", NULL },
	{ form_228_parse, " LPSV 1639: 4,4,192,0,2,31,2,237,19",
	    "192.0.2.31:60691" },
};

static void
test_forms(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(forms); i++) {
		const char *wanted = forms[i].address;
		char buffer[ADDRESS_TEXT];
		struct text t = text_in(buffer, sizeof(buffer));
		struct address a = { .port = 0 };
		const enum form form = forms[i].parse(
		    (const uint8_t *)forms[i].text, strlen(forms[i].text), &a);

		if (wanted == NULL || *wanted == '\0') {
			check(form ==
				(wanted == NULL ? FORM_BAD : FORM_FAMILY),
			    "form", forms[i].text);
			continue;
		}
		address_add_port(&t, &a);
		check(form == FORM_DONE && strcmp(buffer, wanted) == 0, "form",
		    forms[i].text);
	}
}

static void
test_229(void)
{
	static const struct {
		const char *text;
		uint16_t port; /* 0: bad */
	} list[] = {
		{ " Entering Extended Passive Mode (|||6446|)", 6446 },
		{ "(!!!1!)", 1 },
		{ " (|||65535|) and (|||1|)", 65535 },
		{ " (2) (||a|1|) (|||6446|)", 6446 },
		{ " ((|||6446|))", 6446 },
		{ " |||6446|", 0 },
		{ " (|||0|)", 0 },
		{ " (|||65536|)", 0 },
		{ " (|||+1|)", 0 },
		{ " (|1||1|)", 0 },
		{ " (||h|1|)", 0 },
		{ " (||!1|)", 0 },
		{ " (|||1", 0 },
		{ " (", 0 },
		{ "", 0 },
	};

	for (size_t i = 0; i < ARRAY_COUNT(list); i++) {
		uint16_t port = 0;
		const enum form form = form_229_parse(
		    (const uint8_t *)list[i].text, strlen(list[i].text),
		    &port);

		check((form == FORM_DONE) == (list[i].port != 0) &&
			port == list[i].port,
		    "229", list[i].text);
	}
}

/* --- Commands. --- */

static void
test_commands(void)
{
	static const struct {
		const char *line;
		enum ask ask;
	} list[] = {
		{ "EPSV", ASK_EPSV },
		{ "epsv ", ASK_EPSV },
		{ "EPSV 1", ASK_EPSV_IPV4 },
		{ "EPSV\t2 ", ASK_EPSV_IPV6 },
		{ "EPSV all", ASK_EPSV_ALL },
		{ "EPSV 3", ASK_EPSV_UNKNOWN },
		{ "EPSV 1 2", ASK_EPSV_UNKNOWN },
		{ "PASV", ASK_PASV },
		{ "Port 1", ASK_PORT },
		{ "EPSVX", ASK_OTHER },
		{ "EPSV1", ASK_OTHER },
		{ " EPSV", ASK_OTHER },
		{ "EPS", ASK_OTHER },
		{ "", ASK_OTHER },
		{ "CWD", ASK_OTHER },
		{ "RETR PASV", ASK_TRANSFER },
		{ "MLSD", ASK_TRANSFER },
		{ "MLST", ASK_OTHER },
		{ "AUTH TLS", ASK_AUTH },
		{ "EPSV\x01", ASK_OTHER },
		{ "XEPSV", ASK_OTHER },
	};

	for (size_t i = 0; i < ARRAY_COUNT(list); i++)
		check(command_parse((const uint8_t *)list[i].line,
			  strlen(list[i].line))
			    .ask == list[i].ask,
		    "command", list[i].line);
}

/* --- Lines, in two pieces, cut everywhere, and octet by octet. --- */

/* [line] for each, (answer), !line for urgent ones, ? for too long. */
static void
read_pieces(struct line_reader *r, const char *from, size_t length,
    struct text *t)
{
	struct cursor c = { .at = (const uint8_t *)from, .left = length };

	for (;;) {
		switch (line_read(r, &c)) {
		case LINE_MORE: return;
		case LINE_TOO_LONG: text_add(t, "?"); break;
		case LINE_REFUSED:
			text_add_char(t, '(');
			text_add_escaped(t, r->answer, LINE_ANSWER);
			text_add_char(t, ')');
			break;
		case LINE_PART:
			text_add_escaped(t, r->octets, r->length);
			text_add(t, "...");
			break;
		case LINE_WHOLE:
			text_add(t, r->urgent ? "![" : "[");
			text_add_escaped(t, r->octets, r->length);
			text_add_char(t, ']');
			break;
		}
	}
}

static void
test_line(const char *octets, size_t length, const char *wanted)
{
	for (size_t cut = 0; cut <= length + 1; cut++) {
		static struct line_reader r;
		char buffer[512];
		struct text t = text_in(buffer, sizeof(buffer));

		line_start(&r, 16, false);
		if (cut > length) {
			for (size_t i = 0; i < length; i++)
				read_pieces(&r, octets + i, 1, &t);
		} else {
			read_pieces(&r, octets, cut, &t);
			read_pieces(&r, octets + cut, length - cut, &t);
		}
		check(strcmp(buffer, wanted) == 0, buffer, wanted);
	}
}

static void
test_lines(void)
{
	static const struct {
		const char *octets;
		const char *wanted;
	} list[] = {
		{ "EPSV\r\nPWD\n\r\n", "[EPSV][PWD][]" },
		{ "a\rb\r\r\n", "[a\\x0db\\x0d]" },
		{ "\xff\xfb\x01\xff\xfd\x03\xff\xfc\x01\xff\xfe\x01XY\n",
		    "(\\xff\\xfe\\x01)(\\xff\\xfc\\x03)[XY]" },
		{ "a\xff\xff"
		  "b\xff\xe9\xff\xf1"
		  "c\xff\xfb\n",
		    "[a\\xff\\xffb\\xff\\xe9\\xff\\xf1c\\xff\\xfb]" },
		{ "\xff\xff\xff\xfb\n\xff\xe9\n\xff\n",
		    "[\\xff\\xff\\xff\\xfb][\\xff\\xe9][\\xff]" },
		{ "\xff\xfa\x18"
		  "abc\n\xff\xff\xff\xf0PWD\r\n",
		    "[PWD]" },
		{ "\xff\xf4\xf2"
		  "ABOR\r\nPWD\r\n",
		    "![ABOR][PWD]" },
		{ "\xff\xf4\xff\xf2"
		  "ABOR\r\n",
		    "![ABOR]" },
		{ "A\xff\xf4"
		  "BOR\r\n",
		    "[A\\xff\\xf4BOR]" },
		{ "\xf2"
		  "a\r\n",
		    "[\\xf2a]" },
		{ "0123456789abcdef\r\n", "[0123456789abcdef]" },
		{ "0123456789abcdefX\r\nPWD\r\n", "?[PWD]" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(list); i++)
		test_line(list[i].octets, strlen(list[i].octets),
		    list[i].wanted);
	test_line("a\r\0b\r\n", 6, "[a\\x0d\\x00b]");
}

/* --- Replies. --- */

/* Says what each line is: the code, then "-" where more follows, "." at the
 * end of a reply, "?" where it may be the end. */
static void
test_replies(void)
{
	static const struct {
		const char *lines[4];
		const char *wanted;
	} list[] = {
		{ { "220 a" }, "220." },
		{ { "220-a", " b", "220 c" }, "220- 220- 220." },
		{ { "220-a", "221 b", "220 c" }, "220- 220-? 220." },
		{ { "220-a", "221-b", "2211", "220" }, "220- 220- 220- 220." },
		{ { " \t220 a", "200 b" }, "220. 200." },
		{ { "\xef\xbb\xbf"
		    "220 a",
		      " 200 b" },
		    "220. 000" },
		{ { "2200 a", "99 b", "700 c", "000 d" }, "000 000 000 000" },
	};

	for (size_t i = 0; i < ARRAY_COUNT(list); i++) {
		struct reply_reader r = { .open = false };
		char buffer[64];
		struct text t = text_in(buffer, sizeof(buffer));

		for (size_t k = 0; k < 4 && list[i].lines[k] != NULL; k++) {
			const char *line = list[i].lines[k];
			const struct reply_line l = reply_read(&r,
			    (const uint8_t *)line, strlen(line));

			text_add(&t, k == 0 ? "" : " ");
			text_add(&t, l.code == 0 ? "00" : "");
			text_add_number(&t, l.code);
			text_add(&t, l.last ? "." : r.open ? "-" : "");
			text_add(&t, r.other != 0 ? "?" : "");
		}
		check(strcmp(buffer, list[i].wanted) == 0, buffer,
		    list[i].wanted);
	}
}

static void
test_settle(void)
{
	static const struct {
		unsigned code;
		unsigned other;
		unsigned is;
	} list[] = { { 220, 221, 220 }, { 150, 226, 226 }, { 230, 530, 530 } };
	struct reply_reader r = { .open = true, .code = 220 };

	check(reply_settle(&r).code == 0 && r.open, "settle", "not seen");
	for (size_t i = 0; i < ARRAY_COUNT(list); i++) {
		r = (struct reply_reader){ .open = true,
			.code = list[i].code,
			.other = list[i].other };
		const struct reply_line l = reply_settle(&r);

		check(l.last && l.code == list[i].is && !r.open, "settle",
		    "the code");
	}
}

/* In a queue of these, the oldest first, a reply is whose. */
static const struct {
	const char *queue; /* R: a transfer that runs, r: that has not begun,
			    * A: ABOR, N: NOOP, S: STAT, P: PORT, and L: a
			    * NOOP of ours, and E: EPSV that are translated, o:
			    * another; in front of it ?: doubtful */
	unsigned code;
	const char *owner; /* the place in the queue; "-": nobody's */
	const char *left;  /* of the queue, before the owner is taken out */
} replies[] = {
	{ "", 200, "-", "" },
	{ "RSE", 211, "S", "RSE" },
	{ "RSE", 226, "R", "RSE" },
	{ "RSE", 421, "-", "RSE" },
	{ "RN", 200, "N", "RN" },
	{ "RSN", 200, "S", "RSN" },
	{ "RN", 500, "N", "RN" },
	{ "RN", 550, "R", "RN" },
	{ "R", 500, "R", "R" },
	{ "R", 200, "R", "R" },
	{ "RrN", 150, "r", "rN" },
	{ "Nr", 150, "r", "r" },
	{ "or", 226, "r", "r" },
	{ "rA", 426, "r", "rA" },
	{ "A", 200, "A", "A" },
	{ "AP", 200, "P", "P" },
	{ "AP", 226, "A", "AP" },
	{ "AP", 500, "A", "AP" },
	{ "?AP", 500, "P", "P" },
	{ "?NP", 200, "P", "P" },
	{ "?NP", 226, "N", "?NP" },
	{ "?NoP", 200, "P", "P" },
	{ "?N?N", 200, "N", "?N?N" },
	{ "NP", 200, "N", "NP" },
	{ "SE", 229, "E", "E" },
	{ "RE", 229, "E", "E" },
	{ "E", 226, "-", "E" },
	{ "E", 150, "-", "E" },
	{ "E", 250, "E", "E" },
	{ "E", 425, "E", "E" },
	{ "L", 257, "-", "L" },
	{ "L", 200, "L", "L" },
	{ "L", 550, "L", "L" },
	{ "P", 331, "P", "P" },
};

static const struct {
	char letter;
	struct waiting_command command;
} letters[] = {
	{ 'R', { .ask = ASK_TRANSFER, .begun = true } },
	{ 'r', { .ask = ASK_TRANSFER } },
	{ 'A', { .ask = ASK_ABOR } },
	{ 'N', { .ask = ASK_NOOP } },
	{ 'S', { .ask = ASK_STAT } },
	{ 'o', { .ask = ASK_OTHER } },
	{ 'P', { .ask = ASK_PORT, .waiting = WAITING_ACTIVE } },
	{ 'E', { .ask = ASK_EPSV, .waiting = WAITING_PASSIVE } },
	{ 'L', { .ask = ASK_NOOP, .waiting = WAITING_LOCAL } },
};

static void
queue_make(struct queue *q, const char *text)
{
	bool doubtful = false;

	q->count = 0;
	q->fixed = 0;
	for (; *text != '\0'; text++) {
		for (size_t i = 0; i < ARRAY_COUNT(letters); i++) {
			struct waiting_command c = letters[i].command;

			c.doubtful = doubtful;
			if (letters[i].letter == *text)
				queue_add(q, &c);
		}
		doubtful = *text == '?';
	}
}

static char
letter_of(const struct waiting_command *c)
{
	for (size_t i = 0; c != NULL && i < ARRAY_COUNT(letters); i++) {
		const struct waiting_command *l = &letters[i].command;

		if (l->ask == c->ask && l->waiting == c->waiting &&
		    l->begun == c->begun)
			return letters[i].letter;
	}
	return '-';
}

static void
test_owners(void)
{
	for (size_t i = 0; i < ARRAY_COUNT(replies); i++) {
		static struct queue q;
		char buffer[16];
		struct text t = text_in(buffer, sizeof(buffer));

		queue_make(&q, replies[i].queue);
		check(letter_of(queue_owner(&q, replies[i].code)) ==
			replies[i].owner[0],
		    "whose reply", replies[i].queue);
		for (size_t k = 0; k < q.count; k++) {
			text_add(&t, q.list[k].doubtful ? "?" : "");
			text_add_char(&t, letter_of(&q.list[k]));
		}
		check(strcmp(buffer, replies[i].left) == 0, buffer,
		    replies[i].left);
	}
}

/* The commands are more than the queue holds; each has its reply. */
static void
test_many(void)
{
	static struct queue q;
	unsigned n = 0;

	queue_make(&q, "R");
	for (unsigned i = 0; i < 3 * QUEUE_MAX; i++)
		queue_add(&q, &letters[i % 2 == 0 ? 3 : 5].command);
	check(q.count == QUEUE_MAX, "queue", "full");
	queue_remove(&q, queue_owner(&q, 226));
	check(queue_is_doubtful(&q), "queue", "asked in a transfer");
	for (; q.count > 0; n++)
		queue_remove(&q, queue_owner(&q, 200));
	check(n == 3 * QUEUE_MAX, "queue", "as many replies as commands");
	queue_make(&q, "");
	for (unsigned i = 0; i < QUEUE_MAX; i++)
		queue_add(&q, &letters[i % 2 == 0 ? 3 : 5].command);
	queue_add(&q, &letters[6].command);
	check(q.count == QUEUE_MAX &&
		q.list[QUEUE_MAX - 1].waiting == WAITING_ACTIVE,
	    "queue", "what matters has room");
	queue_make(&q, "N");
	for (unsigned i = 1; i < 3 * QUEUE_MAX; i++)
		queue_add(&q, &letters[3].command);
	check(q.count == 1 && q.list[0].times == 3 * QUEUE_MAX, "queue",
	    "alike");
}

/* While a reply is being read more commands come than are kept apart: its own
 * stays where it is, none is forgotten, and what matters is told apart. */
static void
test_many_in_reply(void)
{
	static struct queue q;
	const struct waiting_command *owner;
	unsigned n = 0;

	queue_make(&q, "S");
	owner = queue_owner(&q, 211);
	for (unsigned i = 0; i < 3 * QUEUE_MAX; i++)
		queue_add(&q, &letters[i % 2 == 0 ? 3 : 5].command);
	queue_add(&q, &letters[6].command);
	for (unsigned i = 0; i < 3 * QUEUE_MAX; i++)
		queue_add(&q, &letters[i % 2 == 0 ? 3 : 5].command);
	check(owner == &q.list[0] && owner->ask == ASK_STAT &&
		owner->times == 1,
	    "queue", "the owner stays");
	queue_remove(&q, &q.list[0]);
	for (; q.count > 0 && q.list[0].waiting != WAITING_ACTIVE; n++)
		queue_remove(&q, queue_owner(&q, 200));
	check(n == 3 * QUEUE_MAX, "queue", "what matters is told apart");
	for (; q.count > 0; n++)
		queue_remove(&q, queue_owner(&q, 200));
	check(n == 6 * QUEUE_MAX + 1, "queue", "none is forgotten");
}

/* The reply that is being read is to the last of a full queue: it stays, too,
 * and what comes is counted with it. */
static void
test_last_in_reply(void)
{
	static struct queue q;
	struct waiting_command *owner;
	unsigned n = 0;

	queue_make(&q, "R");
	while (q.count < QUEUE_MAX - 1)
		queue_add(&q, &letters[7].command);
	queue_add(&q, &letters[4].command);
	owner = queue_owner(&q, 211);
	check(owner == &q.list[QUEUE_MAX - 1], "queue", "the owner is last");
	queue_add(&q, &letters[6].command);
	queue_add(&q, &letters[5].command);
	check(letter_of(owner) == 'S', "queue", "the last owner stays");
	queue_remove(&q, owner);
	for (; q.count > 0; n++)
		queue_remove(&q, &q.list[0]);
	check(n == QUEUE_MAX + 1, "queue", "what came is counted");
}

/* Nothing in it is common: it is counted. */
static void
test_many_that_matter(void)
{
	static struct queue q;
	unsigned n = 0;

	queue_make(&q, "");
	for (unsigned i = 0; i < 3 * QUEUE_MAX; i++)
		queue_add(&q, &letters[i % 2 == 0 ? 6 : 1].command);
	check(q.count == QUEUE_MAX, "queue", "full of what matters");
	for (; q.count > 0; n++)
		queue_remove(&q, &q.list[0]);
	check(n == 3 * QUEUE_MAX, "queue", "what matters is counted");
}

static void
test_transfer_end(void)
{
	static const struct {
		const char *queue;
		unsigned code;
		bool ends;
	} list[] = {
		{ "R", 226, true },
		{ "RN", 250, true },
		{ "RN", 200, false },
		{ "R", 426, false },
		{ "R", 150, false },
		{ "RA", 226, false },
		{ "r", 226, true },
		{ "N", 226, false },
		{ "", 226, false },
	};

	for (size_t i = 0; i < ARRAY_COUNT(list); i++) {
		static struct queue q;

		queue_make(&q, list[i].queue);
		check(queue_ends_transfer(&q, list[i].code) == list[i].ends,
		    "the end of a transfer", list[i].queue);
	}
}

int
main(void)
{
	test_forms();
	test_229();
	test_commands();
	test_lines();
	test_replies();
	test_settle();
	test_owners();
	test_many();
	test_many_in_reply();
	test_last_in_reply();
	test_many_that_matter();
	test_transfer_end();
	return failed > 0;
}
