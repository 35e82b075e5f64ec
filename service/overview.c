/* SPDX-License-Identifier: ISC */
/*
 * The texts of the figures.
 */
#include "service/overview.h"

#include "log/record.h"

enum { SECOND = 1000000 };

static uint64_t
refused_total(const struct figures *f)
{
	uint64_t total = 0;

	for (unsigned i = 0; i < REFUSALS; i++)
		total += f->refused[i];
	return total;
}

void
overview_status(struct text *t, const struct overview *o)
{
	char buffer[40];
	struct text start = text_in(buffer, sizeof(buffer));

	if (!o->good) {
		text_add(t, "refusing: ");
		text_add(t, o->trouble);
		return;
	}
	text_add_number(t, o->sessions);
	text_add(t, o->sessions == 1 ? " session, " : " sessions, ");
	text_add_number(t, o->total);
	text_add(t, " since ");
	/* 2026-11-25T21:00:00.000Z without the thousandths. */
	text_add_time(&start, o->figures->start);
	text_add_octets(t, buffer, start.length - 5);
	text_add(t, "Z, ");
	text_add_number(t, refused_total(o->figures));
	text_add(t, " refused");
}

/* # HELP and # TYPE of one metric; counters end in _total. */
static void
metric_begin(struct text *t, const char *name, const char *type,
    const char *help)
{
	text_add(t, "# HELP socks64_");
	text_add(t, name);
	text_add_char(t, ' ');
	text_add(t, help);
	text_add(t, "\n# TYPE socks64_");
	text_add(t, name);
	text_add_char(t, ' ');
	text_add(t, type);
	text_add_char(t, '\n');
}

/* One line; label and its value are NULL where there is none. */
static void
sample(struct text *t, const char *const words[3], uint64_t value)
{
	text_add(t, "socks64_");
	text_add(t, words[0]);
	if (words[1] != NULL) {
		text_add_char(t, '{');
		text_add(t, words[1]);
		text_add(t, "=\"");
		text_add(t, words[2]);
		text_add(t, "\"}");
	}
	text_add_char(t, ' ');
	text_add_number(t, value);
	text_add_char(t, '\n');
}

static void
metrics_sessions(struct text *t, const struct figures *f)
{
	static const char name[] = "sessions_total";

	metric_begin(t, name, "counter", "Sessions that ended, by result.");
	for (enum result r = 0; r < RESULT_COUNT; r++)
		if (r != RESULT_OPEN && r != RESULT_PEER &&
		    r != RESULT_REFUSED)
			sample(t,
			    (const char *const[]){ name, "result",
				record_result(r) },
			    f->ended[r]);
}

static void
metrics_refused(struct text *t, const struct figures *f)
{
	static const char *const by[REFUSALS] = {
		[REFUSAL_SESSIONS] = "max-sessions",
		[REFUSAL_PER_CLIENT] = "max-sessions-per-client",
		[REFUSAL_RATE] = "max-rate-per-client",
		[REFUSAL_PER_USER] = "max-sessions-per-user",
		[REFUSAL_CONFIGURATION] = "configuration",
		[REFUSAL_SYSTEM] = "system",
	};
	static const char name[] = "refused_total";

	metric_begin(t, name, "counter",
	    "Connections that were refused, by what refused them.");
	for (unsigned i = 0; i < REFUSALS; i++)
		sample(t, (const char *const[]){ name, "by", by[i] },
		    f->refused[i]);
}

static void
metrics_octets(struct text *t, const struct figures *f)
{
	static const char name[] = "octets_total";

	metric_begin(t, name, "counter",
	    "Payload octets relayed to servers (up) and clients (down).");
	sample(t, (const char *const[]){ name, "direction", "up" }, f->up);
	sample(t, (const char *const[]){ name, "direction", "down" }, f->down);
}

static void
metric_alone(struct text *t, const char *const words[3], uint64_t value)
{
	metric_begin(t, words[0], words[1], words[2]);
	sample(t, (const char *const[]){ words[0], NULL, NULL }, value);
}

void
overview_metrics(struct text *t, const struct overview *o)
{
	const struct figures *f = o->figures;

	metric_alone(t,
	    (const char *const[]){ "sessions", "gauge", "Sessions now." },
	    o->sessions);
	metrics_sessions(t, f);
	metrics_refused(t, f);
	metrics_octets(t, f);
	metric_alone(t,
	    (const char *const[]){ "configuration_ok", "gauge",
		"1 where the configuration is valid, 0 where all are "
		"refused." },
	    o->good);
	metric_alone(t,
	    (const char *const[]){ "generations_total", "counter",
		"Readings of the configuration." },
	    f->generations);
	metric_alone(t,
	    (const char *const[]){ "start_time_seconds", "gauge",
		"Start of the service, in seconds since 1970." },
	    (uint64_t)f->start / SECOND);
}
