/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef DEMO_SUBSCRIBER_H
#define DEMO_SUBSCRIBER_H

#include "cache.h"

/* The one cache of this process, or an error pointer. */
struct cache *subscriber_get(void);
void subscriber_put(struct cache *c);

#endif /* DEMO_SUBSCRIBER_H */
