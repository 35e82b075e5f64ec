/* SPDX-License-Identifier: ISC */
/*
 * Any text as one rule.  What is accepted judges: nothing that no rule can
 * open is opened, a verdict is printable, and an allowed address belongs to
 * an allowed request.
 */
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "policy/settings.h"

enum { LINE_MAX_LENGTH = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* Settings live as long as the process does. */
const char *
__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void
ignore_report(void *context, bool warning, const char *where, const char *what)
{
	(void)context;
	(void)warning;
	(void)where;
	(void)what;
}

static void
check_verdict(const struct verdict *verdict)
{
	for (const char *c = verdict->reason; *c != '\0'; c++)
		if (*c < ' ' || *c > '~')
			abort();
	if (verdict->rule[0] == '\0' ||
	    (verdict->decision == ALLOW) != (verdict->reason[0] == '\0'))
		abort();
}

static void
check_judgement(const struct policy *policy, struct question *q,
    const struct address *address)
{
	struct candidate candidate = { .address = *address };
	struct verdict request;
	struct verdict verdict;

	q->literal = *address;
	policy_judge_request(policy, q, &request);
	check_verdict(&request);
	policy_judge_address(policy, q, &candidate, &verdict);
	check_verdict(&verdict);
	if (verdict.decision == ALLOW && request.decision != ALLOW)
		abort();
	candidate.self = true;
	q->listener_port = q->port;
	policy_judge_address(policy, q, &candidate, &verdict);
	if (q->port != 0 && verdict.decision == ALLOW)
		abort();
	q->listener_port = 0;
}

static void
judge_all(const struct policy *policy)
{
	static const uint8_t ipv4[][4] = { { 127, 0, 0, 1 }, { 10, 0, 0, 5 },
		{ 9, 9, 9, 9 }, { 169, 254, 169, 254 } };
	static const enum policy_command commands[] = { POLICY_CONNECT,
		POLICY_BIND, POLICY_UDP };
	struct question q = { .user = "alice",
		.user_length = 5,
		.name = "www.example.com" };

	for (size_t i = 0; i < ARRAY_COUNT(ipv4) * 6; i++) {
		const struct address address = address_ipv4(ipv4[i / 6], 0);

		q.command = commands[i % 3];
		q.port = q.command == POLICY_BIND ? 0 : 80;
		q.name = i % 2 == 0 ? NULL : "www.example.com";
		check_judgement(policy, &q, &address);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char line[LINE_MAX_LENGTH + 1];
	const char *option = line;
	const struct settings_source source = { "/dev/null", &option, 1 };
	struct settings settings;

	if (size > LINE_MAX_LENGTH || memmem(data, size, "@/", 2) != NULL)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	if (settings_read(&settings, &source, ignore_report, NULL))
		judge_all(settings.policy);
	return 0;
}
