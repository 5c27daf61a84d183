/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_ERRNO_H
#define MMUN_KCOMPAT_LINUX_ERRNO_H
/* Error numbers: the C library's, and those that user space never sees. */
#include_next <linux/errno.h>

#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ENOIOCTLCMD 515
#define ERESTART_RESTARTBLOCK 516
#define EPROBE_DEFER 517
#define EOPENSTALE 518
#define ENOPARAM 519
#define ENOTSUPP 524
#define EIOCBQUEUED 529
#define ERECALLCONFLICT 530

#endif /* MMUN_KCOMPAT_LINUX_ERRNO_H */
