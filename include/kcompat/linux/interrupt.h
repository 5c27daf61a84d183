/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_INTERRUPT_H
#define MMUN_KCOMPAT_LINUX_INTERRUPT_H
/* There are no interrupts; what they defer, a driver's test calls. */
#include <linux/irqflags.h>

typedef enum {
	IRQ_NONE,
	IRQ_HANDLED,
	IRQ_WAKE_THREAD,
} irqreturn_t;

typedef irqreturn_t (*irq_handler_t)(int irq, void *data);

#endif /* MMUN_KCOMPAT_LINUX_INTERRUPT_H */
