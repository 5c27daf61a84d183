/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_RBTREE_TYPES_H
#define MMUN_KCOMPAT_LINUX_RBTREE_TYPES_H
/* Nodes and roots of red-black trees. */
#include <linux/types.h>

struct rb_node {
	struct rb_node *rb_left;
	struct rb_node *rb_right;
	struct rb_node *mmun_parent;	/* the node itself: it is in no tree */
	bool mmun_red;
};

struct rb_root {
	struct rb_node *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node *rb_leftmost;
};

#define RB_ROOT (struct rb_root){ NULL }
#define RB_ROOT_CACHED (struct rb_root_cached){ { NULL }, NULL }

#endif /* MMUN_KCOMPAT_LINUX_RBTREE_TYPES_H */
