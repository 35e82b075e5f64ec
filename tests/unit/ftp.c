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
		{ "\xff\xfb\x01\xff\xfd\x03X\xff\xfc\x01\xff\xfe\x01Y\n",
		    "(\\xff\\xfe\\x01)(\\xff\\xfc\\x03)[XY]" },
		{ "a\xff\xff"
		  "b\xff\xe9\xff\xf1"
		  "c\n",
		    "[a\\xffb\\xff\\xe9c]" },
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
		    "![ABOR]" },
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

static void
test_queue(void)
{
	static struct queue q;
	const struct waiting_command transfer = { .ask = ASK_TRANSFER,
		.begun = true };
	const struct waiting_command stat = { .ask = ASK_STAT };
	const struct waiting_command passive = { .ask = ASK_PASV,
		.waiting = WAITING_PASSIVE };

	check(queue_owner(&q, 200) == NULL, "queue", "empty");
	queue_add(&q, &transfer);
	queue_add(&q, &stat);
	queue_add(&q, &passive);
	check(queue_owner(&q, 211)->ask == ASK_STAT, "queue", "STAT");
	check(queue_owner(&q, 226)->ask == ASK_TRANSFER, "queue", "226");
	check(queue_owner(&q, 421) == NULL, "queue", "421");
	queue_remove(&q, queue_owner(&q, 211));
	queue_remove(&q, queue_owner(&q, 226));
	check(q.count == 1 && queue_owner(&q, 226) == NULL, "queue",
	    "a 226 that is nobody's");
	check(queue_owner(&q, 500)->ask == ASK_PASV, "queue", "500");
	q.count = 0;
	queue_add(&q, &stat);
	queue_add(&q, &passive);
	check(queue_owner(&q, 227)->ask == ASK_PASV && q.count == 1, "queue",
	    "227 drops what got no reply");
	while (!queue_is_full(&q))
		queue_add(&q, &stat);
	queue_add(&q, &stat);
	check(q.count == QUEUE_MAX, "queue", "full");
}

int
main(void)
{
	test_forms();
	test_229();
	test_commands();
	test_lines();
	test_queue();
	return failed > 0;
}
