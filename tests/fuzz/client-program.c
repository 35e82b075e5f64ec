/* SPDX-License-Identifier: ISC */
/*
 * Any octets as a program: nothing is read behind their end.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t like[64] = { 0x7f, 'E', 'L', 'F', 2, 1,
		1, [18] = 62 };
	char path[PATH_MAX];
	const struct elf elf = elf_read(data, size, like);

	if (elf.note_count > sizeof(elf.notes) / sizeof(elf.notes[0]) ||
	    (elf.has_interpreter && !elf.same_machine))
		abort();
	(void)elf_has_go_note(data, size);
	if (script_interpreter(data, size, path) && path[0] == '\0')
		abort();
	return 0;
}
