/*
 * Runs a fuzz target over files of its corpus, without libFuzzer: what
 * `make check` does with the octets that once found a bug.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *octets, size_t length);

enum { INPUT_MAX = 1 << 20 };

static int
replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		perror(path);
		return 1;
	}
	/* As large as the input, so that the sanitizer sees every overrun. */
	static uint8_t all[INPUT_MAX];
	const size_t length = fread(all, 1, sizeof(all), file);
	(void)fclose(file);
	uint8_t *exact = malloc(length > 0 ? length : 1);
	if (exact == NULL)
		return 1;
	for (size_t i = 0; i < length; i++)
		exact[i] = all[i];
	(void)LLVMFuzzerTestOneInput(exact, length);
	free(exact);
	return 0;
}

int
main(int argc, char **argv)
{
	int failures = 0;

	for (int i = 1; i < argc; i++)
		failures += replay(argv[i]);
	(void)printf("%d inputs\n", argc - 1 - failures);
	return failures == 0 && argc > 1 ? 0 : 1;
}
