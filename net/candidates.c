/*
 * Answers of both families, sorted as one list.
 */
#include "net/candidates.h"

#include "net/order.h"
#include "net/route.h"

static enum family
first_family(enum prefer prefer)
{
	switch (prefer) {
	case PREFER_IPV6:
	case PREFER_IPV6_ONLY: return FAMILY_IPV6;
	case PREFER_IPV4:
	case PREFER_IPV4_ONLY: return FAMILY_IPV4;
	case PREFER_AUTO: break;
	}
	return FAMILY_NONE;
}

void
candidates_find(struct candidates *out, const struct settings *settings,
    const struct resolution *r)
{
	/* The families that are not wanted were not asked for. */
	const struct answer *answers[] = { &r->ipv6, &r->ipv4 };
	struct destination list[CANDIDATES_MAX];
	size_t n = 0;

	for (size_t i = 0; i < 2; i++) {
		for (size_t j = 0; j < answers[i]->count; j++) {
			struct destination *d = &list[n++];

			d->address = answers[i]->list[j];
			d->source = route_probe(settings, &d->address,
			    0).source;
		}
	}
	order_sort(list, n);
	order_interleave(list, n, first_family(settings->prefer));
	out->count = n;
	for (size_t i = 0; i < n; i++)
		out->list[i] = list[i].address;
}
