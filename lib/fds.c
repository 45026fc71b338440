/* SPDX-License-Identifier: BSD-3-Clause */
#include "lib/fds.h"

#include <stdlib.h>

DIR *fds_open(void)
{
	return opendir("/proc/self/fd");
}

int fds_next(DIR *dir)
{
	const struct dirent *entry;

	while ((entry = readdir(dir)) != NULL) {
		char *end;
		long fd = strtol(entry->d_name, &end, 10);

		if (end != entry->d_name && *end == '\0')
			return (int)fd;
	}
	return -1;
}
