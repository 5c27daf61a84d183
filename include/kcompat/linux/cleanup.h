/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_KCOMPAT_LINUX_CLEANUP_H
#define MMUN_KCOMPAT_LINUX_CLEANUP_H
/*
 * Things that end with the block: guards of locks, memory that is freed.
 *
 * A class is a type, how one is made, and how it ends.
 */
#include <linux/compiler.h>
#include <linux/types.h>

#define __cleanup(function) __attribute__((__cleanup__(function)))

/* DEFINE_FREE(): @_free ends the variable _T. */
#define DEFINE_FREE(name, type, _free)					\
static inline void __maybe_unused __free_##name(void *p)		\
{									\
	type _T;							\
									\
	__builtin_memcpy(&_T, p, sizeof(_T));				\
	_free;								\
}
#define __free(name) __cleanup(__free_##name)

#define no_free_ptr(p)							\
	({								\
		__auto_type mmun_k_p = (p);				\
									\
		(p) = NULL;						\
		mmun_k_p;						\
	})
#define take_ptr(p) no_free_ptr(p)
#define return_ptr(p) return no_free_ptr(p)
#define retain_and_null_ptr(p) ((void)no_free_ptr(p))

#define DEFINE_CLASS(name, type, _exit, _init, ...)			\
typedef type class_##name##_t;						\
static inline void __maybe_unused class_##name##_destructor(type *p)	\
{									\
	type _T = *p;							\
									\
	_exit;								\
}									\
static inline type __maybe_unused class_##name##_constructor(__VA_ARGS__) \
{									\
	type t = _init;							\
									\
	return t;							\
}
#define EXTEND_CLASS(name, ext, _init, ...)				\
typedef class_##name##_t class_##name##ext##_t;				\
static inline void __maybe_unused					\
class_##name##ext##_destructor(class_##name##_t *p)			\
{									\
	class_##name##_destructor(p);					\
}									\
static inline class_##name##_t __maybe_unused				\
class_##name##ext##_constructor(__VA_ARGS__)				\
{									\
	class_##name##_t t = _init;					\
									\
	return t;							\
}
#define CLASS(name, var)						\
	class_##name##_t var __cleanup(class_##name##_destructor)	\
		__maybe_unused = class_##name##_constructor

/* Guards are classes that say whether they have the lock. */
#define DEFINE_GUARD(name, type, _lock, _unlock)			\
DEFINE_CLASS(name, type, if (_T) { _unlock; },				\
	     ({ _lock; _T; }), type _T)					\
static inline void * __maybe_unused class_##name##_lock_ptr(type *p)	\
{									\
	return (void *)*p;						\
}
#define DEFINE_GUARD_COND(name, ext, _condlock, ...)			\
EXTEND_CLASS(name, ext, ({ (_condlock) ? _T : NULL; }),			\
	     class_##name##_t _T)					\
static inline void * __maybe_unused					\
class_##name##ext##_lock_ptr(class_##name##_t *p)			\
{									\
	return (void *)*p;						\
}

#define DEFINE_LOCK_GUARD_1(name, type, _lock, _unlock, ...)		\
typedef struct {							\
	type *lock;							\
	__VA_ARGS__;							\
} class_##name##_t;							\
static inline void __maybe_unused					\
class_##name##_destructor(class_##name##_t *_T)				\
{									\
	if (_T->lock) {							\
		_unlock;						\
	}								\
}									\
static inline void * __maybe_unused					\
class_##name##_lock_ptr(class_##name##_t *_T)				\
{									\
	return _T->lock;						\
}									\
static inline class_##name##_t __maybe_unused				\
class_##name##_constructor(type *l)					\
{									\
	class_##name##_t t = { .lock = l }, *_T = &t;			\
									\
	_lock;								\
	return t;							\
}
/* As there are no interrupts, with and without them is the same. */
#define MMUN_K_LOCK_GUARD(name, type, take, give)			\
	DEFINE_LOCK_GUARD_1(name, type, take(_T->lock), give(_T->lock))
#define MMUN_K_LOCK_GUARDS(name, type, take, give)			\
	MMUN_K_LOCK_GUARD(name, type, take, give)			\
	MMUN_K_LOCK_GUARD(name##_irq, type, take, give)			\
	MMUN_K_LOCK_GUARD(name##_irqsave, type, take, give)

#define DEFINE_LOCK_GUARD_0(name, _lock, _unlock, ...)			\
typedef struct {							\
	void *lock;							\
	__VA_ARGS__;							\
} class_##name##_t;							\
static inline void __maybe_unused					\
class_##name##_destructor(class_##name##_t *_T)				\
{									\
	if (_T->lock) {							\
		_unlock;						\
	}								\
}									\
static inline void * __maybe_unused					\
class_##name##_lock_ptr(class_##name##_t *_T)				\
{									\
	return _T->lock;						\
}									\
static inline class_##name##_t __maybe_unused				\
class_##name##_constructor(void)					\
{									\
	class_##name##_t t = { .lock = (void *)1 },			\
			 *_T __maybe_unused = &t;			\
									\
	_lock;								\
	return t;							\
}

#define guard(name) CLASS(name, __UNIQUE_ID(guard))
#define scoped_guard(name, ...)						\
	MMUN_K_SCOPED(name, __UNIQUE_ID(scope), __VA_ARGS__)
#define MMUN_K_SCOPED(name, var, ...)					\
	for (CLASS(name, var)(__VA_ARGS__), *mmun_k_once = (void *)1;	\
	     mmun_k_once && class_##name##_lock_ptr(&var);		\
	     mmun_k_once = NULL)
#define scoped_cond_guard(name, fail, ...)				\
	MMUN_K_SCOPED_COND(name, __UNIQUE_ID(scope), fail, __VA_ARGS__)
#define MMUN_K_SCOPED_COND(name, var, fail, ...)			\
	for (CLASS(name, var)(__VA_ARGS__), *mmun_k_once = (void *)1;	\
	     mmun_k_once; mmun_k_once = NULL)				\
		if (!class_##name##_lock_ptr(&var))			\
			fail;						\
		else

#endif /* MMUN_KCOMPAT_LINUX_CLEANUP_H */
