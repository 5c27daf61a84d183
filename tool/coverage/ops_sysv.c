// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* System V shared memory. */
#include <sys/ipc.h>
#include <sys/shm.h>

#include "ops.h"

static int second;	/* another segment of the same size */

static long detach(struct subject *s)
{
	return CALL(s, shmdt(s->start), SYS_shmdt, s->start);
}

static int with_second(struct subject *s, int (*map)(struct subject *s))
{
	second = shmget(IPC_PRIVATE, NR_PAGES * page_size, IPC_CREAT | 0600);
	return second < 0 ? -errno : map(s);
}

static int map_sysv_for_remap(struct subject *s)
{
	return with_second(s, map_sysv);
}

static int map_anon_for_remap(struct subject *s)
{
	return with_second(s, map_anon);
}

static long attach_over(struct subject *s)
{
	long ret = CALL(s, shmat(second, s->start, SHM_REMAP), SYS_shmat, second,
			s->start, SHM_REMAP);

	shmctl(second, IPC_RMID, NULL);
	return ret < 0 ? ret : (char *)ret != s->start;
}

#define SYSV_OP(name_, kind_, flags_, setup_, perform_)                        \
	{ .name = name_, .kind = kind_, .via = VIA_BOTH, .flags = flags_,      \
	  .blind = MMUN_BLIND_RAW_SHM, .setup = setup_, .perform = perform_ }

const struct op ops_sysv[] = {
	SYSV_OP("shmdt", "sysv", OP_TABLE, map_sysv, detach),
	SYSV_OP("shmat(SHM_REMAP) over it", "sysv", OP_TABLE, map_sysv_for_remap,
		attach_over),
	SYSV_OP("shmat(SHM_REMAP) over anonymous memory", "anon", 0,
		map_anon_for_remap, attach_over),
	{ 0 }
};
