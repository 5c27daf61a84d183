/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef FAKE_VERBS_H
#define FAKE_VERBS_H
#include <stdbool.h>
#include <stddef.h>

/* Was the registration of this block given up since? */
void fake_verbs_watch(void *block, size_t len);
bool fake_verbs_released(void);

#endif /* FAKE_VERBS_H */
