/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which CPUs there are, and their NUMA nodes. EAL looks for each of 1,024 CPUs in sysfs, and for those that
 * are not there in each of 32 nodes: 5,000 calls, a fifth of what a start costs a core. Linked with
 * -Wl,--wrap=eal_cpu_detected,--wrap=eal_cpu_socket_id it does not look beyond the last one that can be.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_config.h>

#define SYSFS "/sys/devices/system"
#define LIST_MAX 4096 /* a page, as sysfs gives at most */

/* EAL's names for them, as the linker calls what is wrapped. */
int __wrap_eal_cpu_detected(unsigned lcore_id);
unsigned __wrap_eal_cpu_socket_id(unsigned lcore_id);

/* "0-3,8-11" ends with the last one. Unknown: any may be there. */
static unsigned last_possible(void)
{
	FILE *file = fopen(SYSFS "/cpu/possible", "re");
	char text[LIST_MAX] = "";
	const char *last = text;
	bool whole;
	char *end;
	unsigned long number;

	if (file == NULL)
		return UINT_MAX;
	whole = fgets(text, sizeof(text), file) != NULL && strchr(text, '\n') != NULL;
	fclose(file);
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '-' || *c == ',')
			last = c + 1;
	}
	number = strtoul(last, &end, 10);
	return whole && end != last && number < UINT_MAX ? (unsigned)number : UINT_MAX;
}

static bool may_be_there(unsigned cpu)
{
	static unsigned last;
	static bool read;

	if (!read) {
		last = last_possible();
		read = true;
	}
	return cpu <= last;
}

int __wrap_eal_cpu_detected(unsigned lcore_id)
{
	char path[sizeof(SYSFS) + 64];

	if (!may_be_there(lcore_id))
		return 0;
	snprintf(path, sizeof(path), SYSFS "/cpu/cpu%u/topology/core_id", lcore_id);
	return access(path, F_OK) == 0;
}

unsigned __wrap_eal_cpu_socket_id(unsigned lcore_id)
{
	char path[sizeof(SYSFS) + 64];

	for (unsigned node = 0; node < RTE_MAX_NUMA_NODES && may_be_there(lcore_id); node++) {
		snprintf(path, sizeof(path), SYSFS "/node/node%u/cpu%u", node, lcore_id);
		if (access(path, F_OK) == 0)
			return node;
	}
	return 0;
}
