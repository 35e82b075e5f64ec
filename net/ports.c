/* SPDX-License-Identifier: ISC */
/*
 * A walk through ports, from a place that no two sessions share for long.
 */
#include "net/ports.h"

#include "base/wait.h"

/* The kernel chooses well for one family; that the other has the same port
 * in use too is a matter of luck. */
enum { KERNEL_TRIES = 64 };

/* The first port that Linux gives away by itself, unless it is told
 * otherwise. */
enum { PORT_EPHEMERAL = 32768 };

static uint32_t
range_size(const struct port_range *range)
{
	return (uint32_t)range->high - range->low + 1;
}

struct ports
ports_start(const struct settings *settings, uint16_t wanted)
{
	struct ports p = { .range = settings->listen_ports };

	if (p.range.low != 0)
		p.start = (uint32_t)((uint64_t)clock_microseconds() %
		    range_size(&p.range));
	if (p.range.low == 0 ? wanted >= PORT_EPHEMERAL :
			       wanted >= PORT_UNPRIVILEGED &&
		    wanted >= p.range.low && wanted <= p.range.high)
		p.wanted = wanted;
	return p;
}

bool
ports_next(struct ports *p, uint16_t *port)
{
	const bool ours = p->range.low != 0;

	if (p->wanted != 0) {
		*port = p->wanted;
		p->wanted = 0;
		return true;
	}
	if (p->tried == (ours ? range_size(&p->range) : KERNEL_TRIES))
		return false;
	*port = ours ? (uint16_t)(p->range.low +
			   (p->start + p->tried) % range_size(&p->range)) :
		       0;
	p->tried++;
	return true;
}
