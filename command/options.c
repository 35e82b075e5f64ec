/* SPDX-License-Identifier: ISC */
/*
 * The command line, and what it can ask for instead of a session.
 */
#include "command/options.h"

#include <getopt.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/text.h"
#include "base/wait.h"
#include "command/examine.h"
#include "command/explain.h"
#include "command/indexer.h"
#include "command/print.h"
#include "command/probe.h"
#include "log/journal.h"
#include "policy/output.h"
#include "policy/reader.h"
#include "sandbox/sandbox.h"
#include "status.h"

enum { LINE_TEXT = 2048 };

/* The values of options without a letter. */
enum { PRINT_SANDBOX = 256, INDEX, CHECK };

/*
 * Under inetd fd 2 is the client, under systemd the journal: a terminal gets
 * a plain line, all else goes where records go.
 */
static void
complain(const char *what, const char *argument)
{
	const struct journal_options log = { .log_to = LOG_TO_AUTO,
		.level = LOG_INFO,
		.facility = LOG_DAEMON,
		.client = print_client(STDERR_FILENO) };
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	text_add(&line, what);
	if (argument != NULL) {
		text_add_char(&line, ' ');
		text_add_quotable(&line, argument, strlen(argument));
	}
	text_add(&line, ", see socks64-handler --help");
	journal_open(&log);
	journal_say(LOG_ERR, buffer);
}

static void
options_mode(struct options *o, enum mode mode)
{
	if (o->mode == MODE_SESSION) {
		o->mode = mode;
	} else if (o->mode != mode && o->mode != MODE_USAGE) {
		complain("more than one of -t, -T, -e, --index, --check, "
			 "--print-sandbox, -V, -h",
		    NULL);
		o->mode = MODE_USAGE;
	}
}

static void
options_setting(struct options *o, const char *setting)
{
	if (o->count < OPTIONS_MAX) {
		o->settings[o->count++] = setting;
		return;
	}
	complain("too many options -o", NULL);
	o->mode = MODE_USAGE;
}

static void
options_listen(struct options *o, const char *place)
{
	if (o->listen_count < OPTIONS_LISTEN_MAX) {
		o->listen[o->listen_count++] = place;
		return;
	}
	complain("too many options -l", NULL);
	o->mode = MODE_USAGE;
}

/* What cannot stand together. */
static void
options_check(struct options *o)
{
	if (o->mode == MODE_USAGE)
		return;
	if (o->operand_count > 0 && o->mode != MODE_EXPLAIN &&
	    o->mode != MODE_CHECK) {
		complain("unexpected operand", o->operands[0]);
		o->mode = MODE_USAGE;
	} else if (o->listen_count > 0 && o->mode != MODE_SESSION) {
		complain("-l together with -t, -T, -e, --index, --check, "
			 "--print-sandbox, -V or -h",
		    NULL);
		o->mode = MODE_USAGE;
	}
}

struct options
options_read(int argc, char *const *argv)
{
	static const struct option names[] = {
		{ "config", required_argument, NULL, 'f' },
		{ "option", required_argument, NULL, 'o' },
		{ "listen", required_argument, NULL, 'l' },
		{ "test", no_argument, NULL, 't' },
		{ "dump", no_argument, NULL, 'T' },
		{ "explain", no_argument, NULL, 'e' },
		{ "index", required_argument, NULL, INDEX },
		{ "check", no_argument, NULL, CHECK },
		{ "print-sandbox", no_argument, NULL, PRINT_SANDBOX },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .mode = MODE_SESSION };

	opterr = 0;
	while (o.mode != MODE_USAGE) {
		/* getopt passes a word of several letters with the last. */
		const char *word = argv[optind];
		const int option = getopt_long(argc, argv, "+:f:o:l:tTeVh",
		    names, NULL);

		if (option == -1)
			break;
		switch (option) {
		case 'f': o.file = optarg; break;
		case 'o': options_setting(&o, optarg); break;
		case 'l': options_listen(&o, optarg); break;
		case 't': options_mode(&o, MODE_TEST); break;
		case 'T': options_mode(&o, MODE_DUMP); break;
		case 'e': options_mode(&o, MODE_EXPLAIN); break;
		case INDEX:
			options_mode(&o, MODE_INDEX);
			o.list = optarg;
			break;
		case CHECK: options_mode(&o, MODE_CHECK); break;
		case PRINT_SANDBOX:
			options_mode(&o, MODE_PRINT_SANDBOX);
			break;
		case 'V': options_mode(&o, MODE_VERSION); break;
		case 'h': options_mode(&o, MODE_HELP); break;
		case ':':
			complain("a value is missing after", word);
			o.mode = MODE_USAGE;
			break;
		default:
			complain("unknown option", word);
			o.mode = MODE_USAGE;
			break;
		}
	}
	o.operands = argv + optind;
	o.operand_count = (size_t)(argc - optind);
	options_check(&o);
	return o;
}

struct settings_source
options_source(const struct options *o)
{
	return (struct settings_source){ .file = o->file,
		.options = o->settings,
		.count = o->count };
}

/* ------------------------------------------------------ other than serving */

/* FILE:LINE: what is wrong; for -t, -T and -e. */
static void
report_line(void *context, bool warning, const char *where, const char *what)
{
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));

	(void)context;
	reader_add_report(&line, warning, where, what);
	(void)print_text(STDERR_FILENO, buffer);
}

/* Of a configuration that could not be read. */
static int
status_unread(void)
{
	return reader_starved() ? STATUS_SYSTEM : STATUS_CONFIG;
}

static int
run_test(const struct options *o)
{
	static struct settings settings;
	char buffer[LINE_TEXT];
	struct text line = text_in(buffer, sizeof(buffer));
	const struct settings_source source = options_source(o);

	if (!examine_configuration(&settings, &source, report_line))
		return status_unread();
	text_add(&line,
	    settings.file == NULL ? "built-in defaults" : settings.file);
	text_add(&line, ": ok\n");
	return print_text(STDOUT_FILENO, buffer) ? STATUS_OK : STATUS_SYSTEM;
}

static int
run_dump(const struct settings *settings)
{
	return output_settings(settings, STDOUT_FILENO) ? STATUS_OK :
							  STATUS_SYSTEM;
}

static int
run_configured(const struct options *o)
{
	static struct settings settings;
	const struct settings_source source = options_source(o);

	if (!settings_read(&settings, &source, report_line, NULL))
		return status_unread();
	if (o->mode == MODE_DUMP)
		return run_dump(&settings);
	if (!examine_steering(&settings, report_line) ||
	    !examine_become(&settings, report_line))
		return STATUS_CONFIG;
	return explain_run(&settings, o->operands, o->operand_count);
}

int
options_run(const struct options *o)
{
	wait_release();
	/* An inetd line with -V: nobody is here to read. */
	if (print_client(STDOUT_FILENO) != -1)
		return STATUS_USAGE;
	switch (o->mode) {
	case MODE_TEST: return run_test(o);
	case MODE_DUMP:
	case MODE_EXPLAIN: return run_configured(o);
	case MODE_INDEX: return indexer_run(o->list);
	case MODE_CHECK: return probe_run(o->operands, o->operand_count);
	case MODE_PRINT_SANDBOX:
		return sandbox_print(STDOUT_FILENO) ? STATUS_OK :
						      STATUS_SYSTEM;
	case MODE_VERSION: return print_version();
	case MODE_HELP: return print_help();
	case MODE_SESSION:
	case MODE_USAGE: break;
	}
	return STATUS_USAGE;
}
