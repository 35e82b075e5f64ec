/* SPDX-License-Identifier: ISC */
/*
 * The relay: the loop around one exchange, and the only wait.
 */
#include "net/relay.h"

#include "net/exchange.h"

/* Not on the stack: pages that no octet has touched cost nothing. */
static uint8_t buffers[EXCHANGE_FLOWS][FLOW_BUFFER];

/* When the watcher wants to be called again. */
static struct deadline
watch_next(const struct relay *r)
{
	if (r->watch == NULL || r->watch->tick == NULL)
		return DEADLINE_NEVER;
	return deadline_in(r->watch->interval);
}

static void
watch_due(const struct relay *r, struct deadline *next)
{
	if (next->at == DEADLINE_NEVER.at || !deadline_passed(*next))
		return;
	r->watch->tick(r->watch->context);
	*next = watch_next(r);
}

void
relay_run(struct relay *r)
{
	struct deadline next = watch_next(r);
	struct exchange x;
	bool over = false;

	exchange_start(&x, r, buffers);
	while (!over) {
		struct pollfd fds[EXCHANGE_SIDES];
		enum wait wait;

		exchange_poll(&x, fds);
		wait = wait_for(fds, EXCHANGE_SIDES,
		    deadline_first(exchange_deadline(&x), next));
		if (wait == WAIT_STOPPED) {
			outcome_stop(&r->outcome);
			break;
		}
		over = exchange_turn(&x, wait == WAIT_READY ? fds : NULL);
		watch_due(r, &next);
	}
	exchange_end(&x);
}
