/* SPDX-License-Identifier: ISC */
/*
 * A main() for the fuzz targets without libFuzzer: each operand is a file, or
 * a directory of files, that the target is given once.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned replayed;

static void
replay_file(const char *path)
{
	static uint8_t data[1 << 20];
	FILE *file = fopen(path, "r");

	if (file == NULL) {
		perror(path);
		exit(2);
	}
	const size_t size = fread(data, 1, sizeof(data), file);
	fclose(file);

	/* A block of exactly that size, so that ASan sees its end. */
	uint8_t *exact = malloc(size == 0 ? 1 : size);
	if (exact == NULL)
		exit(2);
	memcpy(exact, data, size);
	(void)LLVMFuzzerTestOneInput(exact, size); /* 0, or it aborts */
	free(exact);
	replayed++;
}

static void
replay_directory(const char *path)
{
	DIR *directory = opendir(path);
	char file[4096];

	if (directory == NULL) {
		perror(path);
		exit(2);
	}
	for (struct dirent *entry = readdir(directory); entry != NULL;
	     entry = readdir(directory)) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		replay_file(file);
	}
	closedir(directory);
}

int
main(int argc, char **argv)
{
	struct stat status;

	for (int i = 1; i < argc; i++) {
		if (stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode))
			replay_directory(argv[i]);
		else
			replay_file(argv[i]);
	}
	printf("%u replayed\n", replayed);
	return replayed > 0 ? 0 : 1;
}
