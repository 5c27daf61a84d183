// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A driver with one device, for machines without: it keeps CUDA's rules, as far
 * as they are documented, but pins nothing.  No page is registered twice, a context
 * is current or nothing can be done, and what is retained is released.
 */
#include <pthread.h>
#include <stdlib.h>

enum { INVALID_VALUE = 1, NOT_INITIALIZED = 3, DEINITIALIZED = 4,
       INVALID_DEVICE = 101, INVALID_CONTEXT = 201, ALREADY_REGISTERED = 712,
       NOT_REGISTERED = 713 };

#define MAX_REGISTERED 1024
#define DEPTH 16

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	unsigned long start;
	unsigned long end;
} registered[MAX_REGISTERED];
static int retained, initialized;
static __thread void *stack[DEPTH];
static __thread int depth;

/* For the test: how many are registered, where the device sees host memory. */
int fake_cuda_registered(void)
{
	int n = 0;

	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAX_REGISTERED; i++)
		n += !!registered[i].end;
	pthread_mutex_unlock(&lock);
	return n;
}

int fake_cuda_retained(void)
{
	return retained;
}

int cuInit(unsigned int flags)
{
	initialized = !flags;
	return flags ? INVALID_VALUE : 0;
}

int cuDeviceGet(int *ret_device, int number)
{
	if (!initialized)
		return NOT_INITIALIZED;
	*ret_device = number;
	return number ? INVALID_DEVICE : 0;
}

int cuDevicePrimaryCtxRetain(void **ret_context, int device)
{
	retained++;
	*ret_context = &retained;
	return device ? INVALID_DEVICE : 0;
}

int cuDevicePrimaryCtxRelease_v2(int device)
{
	retained--;
	return device ? INVALID_DEVICE : 0;
}

int cuCtxPushCurrent_v2(void *context)
{
	if (context != &retained || !retained || depth == DEPTH)
		return INVALID_CONTEXT;
	stack[depth++] = context;
	return 0;
}

int cuCtxPopCurrent_v2(void **ret_context)
{
	if (!depth)
		return INVALID_CONTEXT;
	*ret_context = stack[--depth];
	return 0;
}

static int add(unsigned long start, unsigned long end)
{
	int at = -1;

	for (int i = 0; i < MAX_REGISTERED; i++) {
		if (start < registered[i].end && registered[i].start < end)
			return ALREADY_REGISTERED;
		if (!registered[i].end)
			at = i;
	}
	if (at < 0)
		return INVALID_VALUE;
	registered[at].start = start;
	registered[at].end = end;
	return 0;
}

int cuMemHostRegister_v2(void *addr, size_t len, unsigned int flags)
{
	int result;

	if (!depth)
		return INVALID_CONTEXT;
	if (!len || flags & ~15U)
		return INVALID_VALUE;
	pthread_mutex_lock(&lock);
	result = add((unsigned long)addr, (unsigned long)addr + len);
	pthread_mutex_unlock(&lock);
	return result;
}

int cuMemHostUnregister(void *addr)
{
	int result = NOT_REGISTERED;

	if (!depth)
		return INVALID_CONTEXT;
	pthread_mutex_lock(&lock);
	for (int i = 0; i < MAX_REGISTERED; i++) {
		if (registered[i].end &&
		    registered[i].start == (unsigned long)addr) {
			registered[i].start = registered[i].end = 0;
			result = 0;
		}
	}
	pthread_mutex_unlock(&lock);
	return result;
}

/* Elsewhere than the host does, as without unified addresses. */
int cuMemHostGetDevicePointer_v2(unsigned long long *ret_address, void *addr,
				 unsigned int flags)
{
	if (flags)
		return INVALID_VALUE;
	*ret_address = (unsigned long)addr + (1UL << 56);
	return 0;
}

int cuGetErrorString(int result, const char **ret_text)
{
	*ret_text = result == INVALID_DEVICE ? "invalid device ordinal" :
					       "an error";
	return 0;
}
