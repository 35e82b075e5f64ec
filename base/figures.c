/* SPDX-License-Identifier: ISC */
/*
 * Counting in shared memory, without locks.
 */
#include "base/figures.h"

#include <stddef.h>

struct figures *figures;

static _Atomic uint64_t own_lost; /* where there is no page */

static _Atomic uint64_t *
lost(void)
{
	return figures != NULL ? &figures->lost : &own_lost;
}

static void
add(_Atomic uint64_t *figure, uint64_t more)
{
	atomic_fetch_add_explicit(figure, more, memory_order_relaxed);
}

void
figures_end(unsigned result)
{
	if (figures != NULL && result < FIGURES_RESULTS)
		add(&figures->ended[result], 1);
}

void
figures_refuse(enum refusal why)
{
	if (figures != NULL)
		add(&figures->refused[why], 1);
}

void
figures_octets(uint64_t up, uint64_t down)
{
	if (figures == NULL)
		return;
	if (up > 0)
		add(&figures->up, up);
	if (down > 0)
		add(&figures->down, down);
}

void
figures_lose(uint64_t records)
{
	add(lost(), records);
}

uint64_t
figures_take_lost(void)
{
	return atomic_exchange_explicit(lost(), 0, memory_order_relaxed);
}
