/* SPDX-License-Identifier: BSD-3-Clause */
/* Run a fuzz target over the files of a folder: the corpus as an ordinary test. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/fuzz/fuzz.h"

#define INPUT_MAX (1u << 20)

static int file_run(const char *folder, const char *name)
{
	static uint8_t buffer[INPUT_MAX];
	char path[4096];
	uint8_t *data;
	size_t size;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return -1;
	}
	size = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	/* A copy of its very size, so that a sanitizer sees a read behind its end. */
	data = malloc(size > 0 ? size : 1);
	if (data == NULL)
		return -1;
	memcpy(data, buffer, size);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	struct dirent *entry;
	unsigned n = 0;
	DIR *dir;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	dir = opendir(argv[1]);
	if (dir == NULL) {
		perror(argv[1]);
		return 1;
	}
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		if (file_run(argv[1], entry->d_name) < 0)
			return 1;
		n++;
	}
	closedir(dir);
	printf("%u passed, 0 failed\n", n);
	return n > 0 ? 0 : 1;
}
