// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A device for libfabric's provider verbs on a machine that has none: preloaded,
 * it stands before libibverbs and librdmacm.  It does nothing but count the
 * registrations that reach it, which is what a cache of them is judged by.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include <infiniband/verbs.h>

#undef ibv_query_port
#undef ibv_reg_mr
#undef ibv_reg_mr_iova

unsigned long fakeverbs_registrations;

static struct ibv_device device = {
	.node_type = IBV_NODE_CA,
	.transport_type = IBV_TRANSPORT_IB,
	.name = "none0",
	.dev_name = "uverbs0",
	.dev_path = "/nonexistent",
	.ibdev_path = "/nonexistent",
};

static struct ibv_context context = {
	.device = &device,
	.cmd_fd = -1,
	.async_fd = -1,
	.num_comp_vectors = 1,
	.mutex = PTHREAD_MUTEX_INITIALIZER,
};

/* -- the device -- */

static void *list_of(void *one, int *ret_number)
{
	void **list = calloc(2, sizeof(*list));

	if (list)
		list[0] = one;
	if (ret_number)
		*ret_number = list ? 1 : 0;
	return list;
}

struct ibv_device **ibv_get_device_list(int *ret_number)
{
	return list_of(&device, ret_number);
}

void ibv_free_device_list(struct ibv_device **list)
{
	free(list);
}

const char *ibv_get_device_name(struct ibv_device *dev)
{
	return dev->name;
}

struct ibv_context *ibv_open_device(struct ibv_device *dev)
{
	return dev ? &context : NULL;
}

int ibv_close_device(struct ibv_context *ctx)
{
	return ctx ? 0 : EINVAL;
}

int ibv_query_device(struct ibv_context *ctx, struct ibv_device_attr *attr)
{
	(void)ctx;
	*attr = (struct ibv_device_attr){
		.fw_ver = "none",
		.max_mr_size = ~0ULL,
		.page_size_cap = 4096,
		.max_qp = 64,
		.max_qp_wr = 1024,
		.max_sge = 4,
		.max_cq = 64,
		.max_cqe = 4096,
		.max_mr = 4096,
		.max_pd = 64,
		.max_srq = 8,
		.max_srq_wr = 1024,
		.max_srq_sge = 4,
		.max_pkeys = 1,
		.max_ah = 64,
		.phys_port_cnt = 1,
	};
	return 0;
}

int ibv_query_port(struct ibv_context *ctx, uint8_t port,
		   struct _compat_ibv_port_attr *compat)
{
	struct ibv_port_attr attr = {
		.state = IBV_PORT_ACTIVE,
		.max_mtu = IBV_MTU_4096,
		.active_mtu = IBV_MTU_4096,
		.gid_tbl_len = 1,
		.max_msg_sz = 1U << 30,
		.pkey_tbl_len = 1,
		.lid = 1,
		.active_width = 2,
		.active_speed = 32,
		.phys_state = 5,
		.link_layer = IBV_LINK_LAYER_INFINIBAND,
	};

	(void)ctx;
	(void)port;
	/* What callers of the old symbol have room for. */
	memcpy(compat, &attr, offsetof(struct ibv_port_attr, port_cap_flags2));
	return 0;
}

int ibv_query_gid(struct ibv_context *ctx, uint8_t port, int index,
		  union ibv_gid *gid)
{
	(void)ctx;
	(void)port;
	(void)index;
	*gid = (union ibv_gid){ .raw = { 0xfe, 0x80 } };
	gid->raw[15] = 1;
	return 0;
}

int ibv_query_pkey(struct ibv_context *ctx, uint8_t port, int index, __be16 *pkey)
{
	(void)ctx;
	(void)port;
	(void)index;
	*pkey = 0xffff;
	return 0;
}

/* -- objects, each with no more than its context -- */

struct ibv_pd *ibv_alloc_pd(struct ibv_context *ctx)
{
	struct ibv_pd *pd = calloc(1, sizeof(*pd));

	if (pd)
		pd->context = ctx;
	return pd;
}

int ibv_dealloc_pd(struct ibv_pd *pd)
{
	free(pd);
	return 0;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *ctx, int cqe, void *cq_context,
			     struct ibv_comp_channel *channel, int vector)
{
	struct ibv_cq *cq = calloc(1, sizeof(*cq));

	(void)channel;
	(void)vector;
	if (cq) {
		cq->context = ctx;
		cq->cq_context = cq_context;
		cq->cqe = cqe;
	}
	return cq;
}

int ibv_destroy_cq(struct ibv_cq *cq)
{
	free(cq);
	return 0;
}

struct ibv_qp *ibv_create_qp(struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
	struct ibv_qp *qp;

	/* The provider tries how much a device takes, until it refuses. */
	if (attr->cap.max_inline_data > 64) {
		errno = EINVAL;
		return NULL;
	}
	qp = calloc(1, sizeof(*qp));
	if (qp) {
		qp->context = pd->context;
		qp->pd = pd;
		qp->qp_type = attr->qp_type;
	}
	return qp;
}

int ibv_destroy_qp(struct ibv_qp *qp)
{
	free(qp);
	return 0;
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	(void)qp;
	(void)attr;
	(void)mask;
	return 0;
}

int ibv_fork_init(void)
{
	return 0;
}

enum ibv_fork_status ibv_is_fork_initialized(void)
{
	return IBV_FORK_DISABLED;
}

/* -- registrations -- */

static struct ibv_mr *register_memory(struct ibv_pd *pd, void *addr, size_t len)
{
	struct ibv_mr *mr = calloc(1, sizeof(*mr));

	if (!mr)
		return NULL;
	mr->context = pd->context;
	mr->pd = pd;
	mr->addr = addr;
	mr->length = len;
	mr->handle = mr->lkey = mr->rkey = ++fakeverbs_registrations;
	return mr;
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t len, int access)
{
	(void)access;
	return register_memory(pd, addr, len);
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t len,
				uint64_t iova, unsigned int access)
{
	(void)iova;
	(void)access;
	return register_memory(pd, addr, len);
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	free(mr);
	return 0;
}

/* -- the connection manager: it knows the device, and no more -- */

struct rdma_event_channel {
	int fd;
};

struct ibv_context **rdma_get_devices(int *ret_number);
void rdma_free_devices(struct ibv_context **list);
struct rdma_event_channel *rdma_create_event_channel(void);
void rdma_destroy_event_channel(struct rdma_event_channel *channel);
int rdma_create_id(struct rdma_event_channel *channel, void **ret_id, void *arg,
		   int space);
int rdma_getaddrinfo(const char *node, const char *service, const void *hints,
		     void **ret_info);

struct ibv_context **rdma_get_devices(int *ret_number)
{
	return list_of(&context, ret_number);
}

void rdma_free_devices(struct ibv_context **list)
{
	free(list);
}

struct rdma_event_channel *rdma_create_event_channel(void)
{
	struct rdma_event_channel *channel = calloc(1, sizeof(*channel));

	if (channel)
		channel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return channel;
}

void rdma_destroy_event_channel(struct rdma_event_channel *channel)
{
	close(channel->fd);
	free(channel);
}

int rdma_create_id(struct rdma_event_channel *channel, void **ret_id, void *arg,
		   int space)
{
	(void)channel;
	(void)ret_id;
	(void)arg;
	(void)space;
	errno = ENODEV;
	return -1;
}

int rdma_getaddrinfo(const char *node, const char *service, const void *hints,
		     void **ret_info)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)ret_info;
	errno = ENODEV;
	return -1;
}

/* The provider efa leaves what is not its own. */
int efadv_query_device(struct ibv_context *ctx, void *attr, uint32_t len);

int efadv_query_device(struct ibv_context *ctx, void *attr, uint32_t len)
{
	(void)ctx;
	(void)attr;
	(void)len;
	return EOPNOTSUPP;
}

/*
 * The provider looks for drivers of other devices among the kernel's symbols, all
 * of them, twice: that would be most of what a process of ours does.
 */
FILE *open_stream(const char *path, const char *mode) __asm__("fopen");

FILE *open_stream(const char *path, const char *mode)
{
	FILE *(*next)(const char *, const char *) =
		(FILE *(*)(const char *, const char *))dlsym(RTLD_NEXT, "fopen");

	return next(strcmp(path, "/proc/kallsyms") ? path : "/dev/null", mode);
}
