/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A lock of one byte, for a few instructions at a time. Zero is unlocked. In compiler atomics, so
 * that the thread sanitizer sees it (DPDK's is assembler on x86).
 */
#ifndef LEAT_LIB_SPINLOCK_H
#define LEAT_LIB_SPINLOCK_H

#include <stdint.h>

#include <rte_pause.h>

static inline void spin_lock(uint8_t *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0)
		while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 0)
			rte_pause();
}

static inline void spin_unlock(uint8_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

#endif
