/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_UNSETTLED_H
#define MMUN_BASE_UNSETTLED_H
/*
 * A bit per source of events, set while it may know of events that it has not
 * told.
 *
 * ORDER(settle): a source sets its bit before it lets the call return whose event
 * it has yet to tell, and clears it with release when it is told; pairs with the
 * acquire in mmun_settle(), and in lookups of a cache.
 */
#include <mmunotify/regcache.h>	/* public, for lookups that are in line */

#endif /* MMUN_BASE_UNSETTLED_H */
