/* SPDX-License-Identifier: BSD-3-Clause */
/* EAL for unit tests: ordinary memory, no devices, no files, so that it runs beside anything and anywhere. */
#ifndef LEAT_TEST_UNIT_EAL_UP_H
#define LEAT_TEST_UNIT_EAL_UP_H

#include <rte_eal.h>

/* cmocka group setup: 0, or -1. */
static inline int eal_up(void **state)
{
	static char *argv[] = {"test", "--no-huge", "--no-shconf", "--no-pci", "--no-telemetry",
		"-m", "512", "--log-level=error"};

	(void)state;
	return rte_eal_init(sizeof(argv) / sizeof(argv[0]), argv) < 0 ? -1 : 0;
}

static inline int eal_down(void **state)
{
	(void)state;
	return rte_eal_cleanup();
}

#endif
