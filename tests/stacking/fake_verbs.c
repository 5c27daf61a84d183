// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * An RDMA device, as far as libfabric looks at one before it opens its
 * registration cache: found in the program, these stand before the functions of
 * libibverbs and librdmacm.  Registrations pin nothing.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include "fake_verbs.h"

/* The header makes macros of these. */
#undef ibv_query_port
#undef ibv_reg_mr
#undef ibv_reg_mr_iova

static struct ibv_device device = {
	.node_type = IBV_NODE_CA,
	.transport_type = IBV_TRANSPORT_IB,
	.name = "fake",
	.dev_name = "fake",
};
static struct ibv_context context = {
	.device = &device,
	.cmd_fd = -1,
	.async_fd = -1,
};

static uintptr_t watched;
static bool released;

void fake_verbs_watch(void *block, size_t len)
{
	watched = (uintptr_t)block + len / 2;
	released = false;
}

bool fake_verbs_released(void)
{
	return released;
}

/* -- the device -- */

struct ibv_device **ibv_get_device_list(int *nr)
{
	struct ibv_device **list = calloc(2, sizeof(*list));

	list[0] = &device;
	if (nr)
		*nr = 1;
	return list;
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
	(void)dev;
	return &context;
}

int ibv_close_device(struct ibv_context *ctx)
{
	(void)ctx;
	return 0;
}

struct ibv_context **rdma_get_devices(int *nr)
{
	struct ibv_context **list = calloc(2, sizeof(*list));

	list[0] = &context;
	if (nr)
		*nr = 1;
	return list;
}

void rdma_free_devices(struct ibv_context **list)
{
	free(list);
}

int ibv_query_device(struct ibv_context *ctx, struct ibv_device_attr *attr)
{
	(void)ctx;
	*attr = (struct ibv_device_attr){
		.max_mr_size = UINT64_MAX, .page_size_cap = 4096,
		.max_qp = 64, .max_qp_wr = 1024, .max_sge = 4, .max_cq = 64,
		.max_cqe = 4096, .max_mr = 4096, .max_pd = 64, .max_ah = 64,
		.max_srq = 8, .max_srq_wr = 1024, .max_srq_sge = 4,
		.max_pkeys = 1, .phys_port_cnt = 1,
	};
	return 0;
}

/* Callers may have an older, shorter structure: it ends before port_cap_flags2. */
int ibv_query_port(struct ibv_context *ctx, uint8_t port,
		   struct _compat_ibv_port_attr *attr)
{
	struct ibv_port_attr a = {
		.state = IBV_PORT_ACTIVE, .max_mtu = IBV_MTU_4096,
		.active_mtu = IBV_MTU_4096, .gid_tbl_len = 1,
		.max_msg_sz = 1U << 30, .pkey_tbl_len = 1, .lid = 1,
		.active_width = 2, .active_speed = 32, .phys_state = 5,
		.link_layer = IBV_LINK_LAYER_INFINIBAND,
	};

	(void)ctx;
	(void)port;
	memcpy(attr, &a, offsetof(struct ibv_port_attr, port_cap_flags2));
	return 0;
}

int ibv_query_gid(struct ibv_context *ctx, uint8_t port, int index,
		  union ibv_gid *gid)
{
	(void)ctx;
	(void)port;
	(void)index;
	memset(gid, 0, sizeof(*gid));
	gid->raw[0] = 0xfe;
	gid->raw[1] = 0x80;
	gid->raw[15] = 1;
	return 0;
}

int ibv_query_pkey(struct ibv_context *ctx, uint8_t port, int index,
		   __be16 *key)
{
	(void)ctx;
	(void)port;
	(void)index;
	*key = 0xffff;
	return 0;
}

/* -- what is made on it -- */

struct ibv_pd *ibv_alloc_pd(struct ibv_context *ctx)
{
	struct ibv_pd *pd = calloc(1, sizeof(*pd));

	pd->context = ctx;
	return pd;
}

int ibv_dealloc_pd(struct ibv_pd *pd)
{
	free(pd);
	return 0;
}

struct ibv_cq *ibv_create_cq(struct ibv_context *ctx, int nr, void *arg,
			     struct ibv_comp_channel *channel, int vector)
{
	struct ibv_cq *cq = calloc(1, sizeof(*cq));

	(void)nr;
	(void)arg;
	(void)channel;
	(void)vector;
	cq->context = ctx;
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

	/* libfabric finds the limit by asking for more and more. */
	if (attr->cap.max_inline_data > 64) {
		errno = EINVAL;
		return NULL;
	}
	qp = calloc(1, sizeof(*qp));
	qp->context = pd->context;
	qp->pd = pd;
	qp->qp_type = attr->qp_type;
	return qp;
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	(void)qp;
	(void)attr;
	(void)mask;
	return 0;
}

int ibv_destroy_qp(struct ibv_qp *qp)
{
	free(qp);
	return 0;
}

static struct ibv_mr *make_mr(struct ibv_pd *pd, void *addr, size_t len)
{
	static uint32_t key;
	struct ibv_mr *mr = calloc(1, sizeof(*mr));

	mr->context = pd->context;
	mr->pd = pd;
	mr->addr = addr;
	mr->length = len;
	mr->lkey = mr->rkey = ++key;
	return mr;
}

struct ibv_mr *ibv_reg_mr(struct ibv_pd *pd, void *addr, size_t len, int access)
{
	(void)access;
	return make_mr(pd, addr, len);
}

struct ibv_mr *ibv_reg_mr_iova2(struct ibv_pd *pd, void *addr, size_t len,
				uint64_t iova, unsigned int access)
{
	(void)iova;
	(void)access;
	return make_mr(pd, addr, len);
}

int ibv_dereg_mr(struct ibv_mr *mr)
{
	if (watched - (uintptr_t)mr->addr < mr->length)
		released = true;
	free(mr);
	return 0;
}

/* -- connections: none -- */

struct rdma_event_channel *rdma_create_event_channel(void)
{
	struct rdma_event_channel *channel = calloc(1, sizeof(*channel));

	channel->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return channel;
}

void rdma_destroy_event_channel(struct rdma_event_channel *channel)
{
	close(channel->fd);
	free(channel);
}

int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id,
		   void *arg, enum rdma_port_space space)
{
	(void)channel;
	(void)id;
	(void)arg;
	(void)space;
	errno = ENODEV;
	return -1;
}

int rdma_getaddrinfo(const char *node, const char *service,
		     const struct rdma_addrinfo *hints,
		     struct rdma_addrinfo **info)
{
	(void)node;
	(void)service;
	(void)hints;
	(void)info;
	errno = ENODEV;
	return -1;
}

int ibv_fork_init(void)
{
	return 0;
}

enum ibv_fork_status ibv_is_fork_initialized(void)
{
	return IBV_FORK_DISABLED;
}

/* Nor is it one of Amazon's, whose provider would take it first. */
int efadv_query_device(struct ibv_context *ctx, void *attr, uint32_t size);
int efadv_query_device(struct ibv_context *ctx, void *attr, uint32_t size)
{
	(void)ctx;
	(void)attr;
	(void)size;
	return EOPNOTSUPP;
}
