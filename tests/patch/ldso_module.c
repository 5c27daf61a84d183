// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Something to load and unload, and which calls libc. */
#include <stdlib.h>

int module_data = 1;
int *module_address(void);
void module_churn(size_t size);

int *module_address(void)
{
	return &module_data;
}

void module_churn(size_t size)
{
	char *p = malloc(size);

	*(volatile char *)p = 1;
	free(p);
}
