/* SPDX-License-Identifier: ISC */
/*
 * `missing' shrinks by `rate' thousandths of a token in each millisecond.
 */
#include "base/bucket.h"

enum { TOKEN = 1000 };

bool
bucket_take(struct bucket *b, int64_t now)
{
	const int64_t full = (int64_t)b->size * TOKEN;
	const int64_t passed = now - b->at;

	b->at = now;
	/* What is missing is made up for after that long, at most. */
	if (passed > full)
		b->missing = 0;
	else
		b->missing -= passed * b->rate;
	if (b->missing < 0)
		b->missing = 0;
	if (b->missing + TOKEN > full)
		return false;
	b->missing += TOKEN;
	return true;
}
