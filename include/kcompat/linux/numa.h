/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_NUMA_H
#define MMUN_KCOMPAT_LINUX_NUMA_H
/* One node. */
#define NUMA_NO_NODE (-1)
#define MAX_NUMNODES 1
#define numa_node_id() 0

#endif /* MMUN_KCOMPAT_LINUX_NUMA_H */
