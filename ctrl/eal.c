/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctrl/eal.h"

#include <dirent.h>
#include <errno.h>
#include <numa.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <rte_version.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/limits.h"
#include "lib/alloc.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages"
#define OWN_ARGS_MAX 16
#define CPULIST_TEXT_MAX 4096
#define MEMORY_TEXT_MAX 256
#define PAGE_2M_KB 2048

static const char *const no_huge[] = {"--no-huge", NULL};

static int worker_add(
	struct worker_options *ret, const cpu_set_t *allowed, int cpu, struct error *err)
{
	int node = numa_available() < 0 ? 0 : numa_node_of_cpu(cpu);

	if (cpu >= CPU_SETSIZE || !CPU_ISSET(cpu, allowed))
		return error_set(err, LEAT_INVALID_PARAMS,
			"core %d is not one this process may use; see taskset -p and --workers",
			cpu);
	if (ret->n == WORKERS_MAX)
		return error_set(err, LEAT_INVALID_PARAMS,
			"at most %d cores can poll; name them by --workers", WORKERS_MAX);
	ret->cpu[ret->n] = cpu;
	ret->node[ret->n] = node < 0 ? 0 : node;
	ret->n++;
	return 0;
}

/* Tables grow with the memory there is: per MB so many connections, and flows of all workers together. */
static void tables_size(const struct options *options, struct worker_options *ret)
{
	uint32_t each = options->memory_mb * LIMIT_FLOWS_PER_MB / RTE_MAX(ret->n, 1U);

	ret->conn_capacity =
		RTE_MIN(options->memory_mb * LIMIT_CONNECTIONS_PER_MB, (unsigned)LIMIT_CONNECTIONS);
	ret->flow_entries = RTE_MIN(rte_align32prevpow2(each), (uint32_t)LIMIT_FLOWS_OF_WORKER);
}

static int cores_choose(
	const struct options *options, struct worker_options *ret, struct error *err)
{
	cpu_set_t allowed;
	bool first = true;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		return error_device(err, errno, "cannot tell which cores may be used");
	for (unsigned i = 0; i < options->n_workers; i++) {
		if (worker_add(ret, &allowed, options->workers[i], err) < 0)
			return -1;
	}
	if (options->n_workers > 0)
		return 0;
	for (int cpu = 0; cpu < CPU_SETSIZE && ret->n < WORKERS_MAX; cpu++) {
		if (!CPU_ISSET(cpu, &allowed))
			continue;
		if (!first || CPU_COUNT(&allowed) == 1)
			worker_add(ret, &allowed, cpu, err);
		first = false;
	}
	return 0;
}

int worker_options_make(
	const struct options *options, struct worker_options *ret, struct error *err)
{
	memset(ret, 0, sizeof(*ret));
	if (cores_choose(options, ret, err) < 0)
		return -1;
	tables_size(options, ret);
	return 0;
}

/* The main thread's cores, as EAL's --lcores has them: "0@(0,2)". */
static void main_cores_print(const struct worker_options *workers, char *text, size_t size)
{
	cpu_set_t allowed;
	cpu_set_t rest;
	size_t n;

	CPU_ZERO(&allowed);
	sched_getaffinity(0, sizeof(allowed), &allowed);
	rest = allowed;
	for (unsigned i = 0; i < workers->n; i++)
		CPU_CLR(workers->cpu[i], &rest);
	if (CPU_COUNT(&rest) == 0)
		rest = allowed;
	n = (size_t)snprintf(text, size, "--lcores=0@(");
	for (int cpu = 0; cpu < CPU_SETSIZE && n < size; cpu++) {
		if (CPU_ISSET(cpu, &rest))
			n += (size_t)snprintf(text + n, size - n, "%d,", cpu);
	}
	if (n < size)
		text[n - 1] = ')';
}

static bool eal_arg_given(const struct options *options, const char *const *names)
{
	for (int i = 0; i < options->eal_argc; i++) {
		for (const char *const *name = names; *name != NULL; name++) {
			if (strncmp(options->eal_argv[i], *name, strlen(*name)) == 0)
				return true;
		}
	}
	return false;
}

static unsigned long file_number(const char *folder, const char *name)
{
	char *path = alloc_printf("%s/%s/%s", HUGEPAGES, folder, name);
	unsigned long value = 0;
	FILE *file = fopen(path, "re");

	if (file != NULL) {
		char text[32];

		if (fgets(text, sizeof(text), file) != NULL)
			value = strtoul(text, NULL, 10);
		fclose(file);
	}
	free(path);
	return value;
}

/* Free hugepages of all sizes, in MB. */
static unsigned long hugepages_free_mb(void)
{
	unsigned long kb = 0;
	struct dirent *entry;
	DIR *dir = opendir(HUGEPAGES);

	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		static const char prefix[] = "hugepages-";

		if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0)
			kb += strtoul(entry->d_name + strlen(prefix), NULL, 10) *
			      file_number(entry->d_name, "free_hugepages");
	}
	closedir(dir);
	return kb / 1024;
}

static int hugepages_check(const struct options *options, struct error *err)
{
	unsigned long free_mb = hugepages_free_mb();
	unsigned long missing;

	if (free_mb >= options->memory_mb || eal_arg_given(options, no_huge))
		return 0;
	missing = ((options->memory_mb - free_mb) * 1024 + PAGE_2M_KB - 1) / PAGE_2M_KB;
	return error_set(err, LEAT_EXHAUSTED,
		"%lu MB of hugepages are free, %u are wanted. Reserve them: echo %lu > "
		"/proc/sys/vm/nr_hugepages. Or take less with --memory, or do without: -- "
		"--no-huge, which is enough for TAP and AF_XDP ports",
		free_mb, options->memory_mb,
		file_number("hugepages-2048kB", "nr_hugepages") + missing);
}

/*
 * The memory, spread evenly over the NUMA nodes that workers are on, and no more ever: while EAL's
 * heap grows it catches SIGBUS for itself, and a vhost-user peer that shrinks its memory just then
 * would be taken for a missing hugepage. option: "--socket-mem=" or "--socket-limit=", where 0 is
 * no limit; others: MB of the nodes without workers.
 */
static void memory_print(const char *option, const struct worker_options *workers,
	unsigned memory_mb, unsigned others, char *text, size_t size)
{
	bool used[RTE_MAX_NUMA_NODES] = {false};
	unsigned n_used = 0;
	unsigned n_nodes = 0;
	size_t n;

	for (unsigned i = 0; i < workers->n; i++) {
		unsigned node = (unsigned)workers->node[i];

		if (node >= RTE_MAX_NUMA_NODES)
			continue;
		n_used += !used[node];
		used[node] = true;
		n_nodes = node >= n_nodes ? node + 1 : n_nodes;
	}
	n = (size_t)snprintf(text, size, "%s", option);
	for (unsigned node = 0; node < n_nodes && n < size; node++)
		n += (size_t)snprintf(text + n, size - n, "%s%u", node == 0 ? "" : ",",
			used[node] ? memory_mb / n_used : others);
}

int eal_start(
	const struct options *options, const struct worker_options *workers, struct error *err)
{
	static const char *const of_pci[] = {"-a", "-b", "--allow", "--block", "--no-pci", NULL};
	char **argv = alloc_zero((size_t)options->eal_argc + OWN_ARGS_MAX, sizeof(*argv));
	char memory[MEMORY_TEXT_MAX];
	char limit[MEMORY_TEXT_MAX];
	char cores[CPULIST_TEXT_MAX];
	int argc = 0;
	int result;

	eal_tsc_begin();
	if (hugepages_check(options, err) < 0) {
		free(argv);
		return -1;
	}
	main_cores_print(workers, cores, sizeof(cores));
	argv[argc++] = "leatd";
	/* --no-huge means --legacy-mem to EAL, which --in-memory does not go with. */
	argv[argc++] = eal_arg_given(options, no_huge) ? "--no-shconf" : "--in-memory";
	if (!eal_arg_given(options, no_huge))
		argv[argc++] = "--single-file-segments"; /* one fd for all pages, not one a page */
	argv[argc++] = "--no-telemetry";
	argv[argc++] = cores;
	if (eal_arg_given(options, no_huge)) {
		snprintf(memory, sizeof(memory), "-m%u", options->memory_mb);
	} else {
		memory_print(
			"--socket-mem=", workers, options->memory_mb, 0, memory, sizeof(memory));
		memory_print(
			"--socket-limit=", workers, options->memory_mb, 1, limit, sizeof(limit));
		argv[argc++] = limit;
	}
	argv[argc++] = memory;
	if (!eal_arg_given(options, of_pci)) {
		/* A list with what is no NIC: NICs are taken by uplinks, not at the start. */
		argv[argc++] = "-a";
		argv[argc++] = "0000:00:00.0";
	}
	for (int i = 0; i < options->eal_argc; i++)
		argv[argc++] = options->eal_argv[i];
	result = rte_eal_init(argc, argv);
	free(argv);
	if (result < 0)
		return error_device(err, rte_errno, "DPDK does not start; its reason is above");
	return 0;
}

void eal_stop(void)
{
	rte_eal_cleanup();
}

void eal_log_level_set(enum log_level level)
{
	static const uint32_t levels[] = {
		[LOG_LEVEL_ERROR] = RTE_LOG_ERR,
		[LOG_LEVEL_WARNING] = RTE_LOG_WARNING,
		[LOG_LEVEL_INFO] = RTE_LOG_INFO,
		[LOG_LEVEL_DEBUG] = RTE_LOG_DEBUG,
	};

	rte_log_set_global_level(levels[level]);
}

const char *eal_version(void)
{
	const char *version = rte_version();

	/* "DPDK 22.11.11" */
	return strncmp(version, "DPDK ", strlen("DPDK ")) == 0 ? version + strlen("DPDK ")
							       : version;
}
