// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#include "mmun_cuda.h"

/* The driver's interface, as far as we use it. */
enum {
	CUDA_INVALID_VALUE = 1,
	CUDA_OUT_OF_MEMORY = 2,
	CUDA_NO_DEVICE = 100,
	CUDA_INVALID_DEVICE = 101,
	CUDA_ALREADY_REGISTERED = 712,
	CUDA_NOT_PERMITTED = 800,
	CUDA_NOT_SUPPORTED = 801,
};

enum { REGISTER_PORTABLE = 1, REGISTER_DEVICEMAP = 2 };

static struct {
	int (*init)(unsigned int flags);
	int (*get_device)(int *ret_device, int number);
	int (*retain)(void **ret_context, int device);
	int (*release)(int device);
	int (*push)(void *context);
	int (*pop)(void **ret_context);
	int (*host_register)(void *addr, size_t len, unsigned int flags);
	int (*host_unregister)(void *addr);
	int (*get_address)(unsigned long long *ret_address, void *addr,
			   unsigned int flags);
	int (*get_text)(int result, const char **ret_text);
} driver;

static const struct {
	const char *name;
	size_t at;
} functions[] = {
	{ "cuInit", offsetof(typeof(driver), init) },
	{ "cuDeviceGet", offsetof(typeof(driver), get_device) },
	{ "cuDevicePrimaryCtxRetain", offsetof(typeof(driver), retain) },
	{ "cuDevicePrimaryCtxRelease_v2", offsetof(typeof(driver), release) },
	{ "cuCtxPushCurrent_v2", offsetof(typeof(driver), push) },
	{ "cuCtxPopCurrent_v2", offsetof(typeof(driver), pop) },
	{ "cuMemHostRegister_v2", offsetof(typeof(driver), host_register) },
	{ "cuMemHostUnregister", offsetof(typeof(driver), host_unregister) },
	{ "cuMemHostGetDevicePointer_v2", offsetof(typeof(driver), get_address) },
	{ "cuGetErrorString", offsetof(typeof(driver), get_text) },
};

/* A handle points to one. */
struct buffer {
	void *host;
	unsigned long long device;
};

/* -- the driver -- */

static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static const char *missing;

static void load(void)
{
	void *lib = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		missing = "libcuda.so.1 cannot be loaded: there is no CUDA driver";
		return;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		void *function = dlsym(lib, functions[i].name);

		if (!function)
			missing = "the CUDA driver is too old";
		*(void **)((char *)&driver + functions[i].at) = function;
	}
}

static int error_of(int result)
{
	switch (result) {
	case 0:
		return 0;
	case CUDA_INVALID_VALUE:
		return -EINVAL;
	case CUDA_OUT_OF_MEMORY:
		return -ENOMEM;
	case CUDA_NO_DEVICE:
	case CUDA_INVALID_DEVICE:
		return -ENODEV;
	case CUDA_ALREADY_REGISTERED:
		return -EBUSY;
	case CUDA_NOT_PERMITTED:
		return -EPERM;
	case CUDA_NOT_SUPPORTED:
		return -EOPNOTSUPP;
	default:
		return -EIO;
	}
}

static const char *text_of(int result)
{
	const char *text;

	return driver.get_text(result, &text) ? "an unknown error of CUDA" : text;
}

/* -- the registrar; in whichever thread, whatever context that is in -- */

static int register_host(void *addr, size_t len, unsigned long long *ret_address)
{
	int result = driver.host_register(addr, len, REGISTER_PORTABLE |
							     REGISTER_DEVICEMAP);

	if (result)
		return result;
	result = driver.get_address(ret_address, addr, 0);
	if (result)
		driver.host_unregister(addr);
	return result;
}

static int register_in(const struct mmun_cuda *cuda, void *addr, size_t len,
		       unsigned long long *ret_address)
{
	int result = driver.push(cuda->context);
	void *context;

	if (result)
		return error_of(result);
	result = register_host(addr, len, ret_address);
	driver.pop(&context);
	return error_of(result);
}

/* What is in the way goes: this attempt, too, but not the next one. */
static void make_way(struct mmun_regcache *cache, unsigned long addr, size_t len)
{
	mmun_regcache_flush(cache, addr, addr + len);
	mmun_regcache_reclaim(cache);
}

static int reg(void *ctx, unsigned long addr, size_t len, unsigned int access,
	       uint64_t *ret_handle)
{
	const struct mmun_cuda *cuda = ctx;
	struct buffer *buffer = malloc(sizeof(*buffer));
	int err;

	(void)access;
	if (!buffer)
		return -ENOMEM;
	buffer->host = (void *)addr;
	err = register_in(cuda, buffer->host, len, &buffer->device);
	if (err == -EBUSY) {
		make_way(cuda->cache, addr, len);
		err = register_in(cuda, buffer->host, len, &buffer->device);
	}
	if (err)
		free(buffer);
	else
		*ret_handle = (uintptr_t)buffer;
	return err;
}

static void dereg(void *ctx, uint64_t handle)
{
	struct buffer *buffer = (struct buffer *)(uintptr_t)handle;
	const struct mmun_cuda *cuda = ctx;
	void *context;

	/* With the end of its context all has been unregistered. */
	if (!driver.push(cuda->context)) {
		driver.host_unregister(buffer->host);
		driver.pop(&context);
	}
	free(buffer);
}

static const struct mmun_regcache_ops ops = { .reg = reg, .dereg = dereg };

/* -- create, destroy -- */

static int open_device(struct mmun_cuda *cuda, int number)
{
	int result = driver.init(0);

	if (!result)
		result = driver.get_device(&cuda->device, number);
	if (!result)
		result = driver.retain(&cuda->context, cuda->device);
	return result;
}

/* Return: 0, or an errno and the reason. */
static int prepare(struct mmun_cuda *cuda, int number, const char **ret_reason)
{
	int result;

	pthread_once(&loaded, load);
	*ret_reason = missing;
	if (missing)
		return -ENOSYS;
	result = open_device(cuda, number);
	if (!result)
		return 0;
	*ret_reason = text_of(result);
	return error_of(result) == -EINVAL ? -ENODEV : error_of(result);
}

int mmun_cuda_create(int number, const struct mmun_regcache_attr *attr,
		     struct mmun_cuda **ret_cuda, const char **ret_reason)
{
	struct mmun_cuda *cuda = calloc(1, sizeof(*cuda));
	const char *reason = "there is no memory";
	int err = cuda ? prepare(cuda, number, &reason) : -ENOMEM;

	if (!err) {
		reason = "the cache cannot be created";
		err = mmun_regcache_create(mm_self(), &ops, cuda, attr,
					   &cuda->cache);
		if (err)
			driver.release(cuda->device);
	}
	if (err) {
		if (ret_reason)
			*ret_reason = reason;
		free(cuda);
		return err;
	}
	*ret_cuda = cuda;
	return 0;
}

void mmun_cuda_destroy(struct mmun_cuda *cuda)
{
	mmun_regcache_destroy(cuda->cache);
	driver.release(cuda->device);
	free(cuda);
}

uint64_t mmun_cuda_address(const struct mmun_regcache_region *region,
			   unsigned long addr)
{
	const struct buffer *buffer = (struct buffer *)(uintptr_t)region->handle;

	return buffer->device + (addr - region->start);
}
