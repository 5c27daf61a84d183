/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef MMUN_BASE_EXPORT_H
#define MMUN_BASE_EXPORT_H
/*
 * Public names without the PLT.
 *
 * The API has the kernel's short names, and a program may well define its own
 * mmput().  So each public function is compiled under a hidden name of ours,
 * __mmun_NAME, which is what all calls inside the library bind to; and
 * EXPORT_SYMBOL(NAME), after the definition, adds NAME as a weak alias that the
 * program may override without harm to us, linked dynamically or statically.
 *
 * A file that defines or calls a public function includes this header after
 * the public ones.
 */

#include <mmunotify/interval_notifier.h>
#include <mmunotify/mm.h>
#include <mmunotify/mmu_notifier.h>
#include <mmunotify/monitor.h>
#include <mmunotify/regcache.h>

/* What functions in line call, the library's own copies too, has but one name. */
#define MMUN_PUBLIC __attribute__((visibility("default")))

#define MMUN_INTERNAL(name)                                                    \
	extern __typeof__(name) name __asm__("__mmun_" #name)                  \
		__attribute__((visibility("hidden")))

#define EXPORT_SYMBOL(name)                                                    \
	extern __typeof__(name) mmun_export_##name __asm__(#name)              \
		__attribute__((weak, alias("__mmun_" #name),                   \
			       visibility("default")))

MMUN_INTERNAL(mm_self);
MMUN_INTERNAL(mm_alloc);
MMUN_INTERNAL(mmget);
MMUN_INTERNAL(mmget_not_zero);
MMUN_INTERNAL(mmput);
MMUN_INTERNAL(mmgrab);
MMUN_INTERNAL(mmdrop);
MMUN_INTERNAL(mmap_write_lock);
MMUN_INTERNAL(mmap_write_trylock);
MMUN_INTERNAL(mmap_write_unlock);
MMUN_INTERNAL(mmap_read_lock);
MMUN_INTERNAL(mmap_read_trylock);
MMUN_INTERNAL(mmap_read_unlock);
MMUN_INTERNAL(mmap_assert_write_locked);
MMUN_INTERNAL(mmun_mm_users);
MMUN_INTERNAL(mmun_mm_count);
MMUN_INTERNAL(mmu_notifier_get);
MMUN_INTERNAL(mmu_notifier_get_locked);
MMUN_INTERNAL(mmu_notifier_put);
MMUN_INTERNAL(mmu_notifier_synchronize);
MMUN_INTERNAL(mmu_notifier_register);
MMUN_INTERNAL(__mmu_notifier_register);
MMUN_INTERNAL(mmu_notifier_unregister);
MMUN_INTERNAL(mmu_notifier_unregister_no_release);
MMUN_INTERNAL(mm_has_notifiers);
MMUN_INTERNAL(mmu_notifier_range_update_to_read_only);
MMUN_INTERNAL(mmu_notifier_invalidate_range_start);
MMUN_INTERNAL(mmu_notifier_invalidate_range_start_nonblock);
MMUN_INTERNAL(mmu_notifier_invalidate_range_end);
MMUN_INTERNAL(mmu_notifier_invalidate_range_only_end);
MMUN_INTERNAL(mmu_notifier_invalidate_range);
MMUN_INTERNAL(mmu_notifier_arch_invalidate_secondary_tlbs);
MMUN_INTERNAL(mmu_notifier_clear_flush_young);
MMUN_INTERNAL(mmu_notifier_clear_young);
MMUN_INTERNAL(mmu_notifier_test_young);
MMUN_INTERNAL(mmu_notifier_change_pte);
MMUN_INTERNAL(mmu_interval_notifier_insert);
MMUN_INTERNAL(mmu_interval_notifier_insert_locked);
MMUN_INTERNAL(mmu_interval_notifier_remove);
MMUN_INTERNAL(mmu_interval_read_begin);
MMUN_INTERNAL(mmun_monitor_start);
MMUN_INTERNAL(mmun_monitor_entry);
MMUN_INTERNAL(mmun_monitor_select);
MMUN_INTERNAL(mmun_monitor_source);
MMUN_INTERNAL(mmun_watch);
MMUN_INTERNAL(mmun_unwatch);
MMUN_INTERNAL(mmun_coverage);
MMUN_INTERNAL(mmun_settle);
MMUN_INTERNAL(mmun_srcu_flavor);
MMUN_INTERNAL(mmun_set_warn_handler);
MMUN_INTERNAL(mmun_regcache_create);
MMUN_INTERNAL(mmun_regcache_destroy);
MMUN_INTERNAL(mmun_regcache_get);
MMUN_INTERNAL(mmun_regcache_put);
MMUN_INTERNAL(mmun_regcache_reclaim);
MMUN_INTERNAL(mmun_regcache_flush);
MMUN_INTERNAL(mmun_regcache_get_stats);

#endif /* MMUN_BASE_EXPORT_H */
