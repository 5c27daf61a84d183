/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef DEMO_LIFETIME_H
#define DEMO_LIFETIME_H

#include <stdbool.h>

/* Show in print how long a notifier lives.  Return: was it as promised? */
bool lifetime_show(void);

#endif /* DEMO_LIFETIME_H */
