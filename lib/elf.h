/* SPDX-License-Identifier: ISC */
/*
 * What the first octets of a file say about the program in it: ELF, or #!.
 * Pure.
 */
#ifndef SOCKS64_LIB_ELF_H
#define SOCKS64_LIB_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The start of an ELF file, of `length` octets; pure.  `like`: the first 64
 * octets of the library. */
struct elf {
	bool is_elf;
	bool same_machine;
	bool has_interpreter;
	/* Where its notes are, in the file. */
	struct {
		uint64_t offset;
		uint64_t size;
	} notes[8];
	size_t note_count;
};

/* An ELF file has at least so many octets. */
enum { ELF_IDENT = 16 };

struct elf elf_read(const uint8_t *octets, size_t length, const uint8_t *like);

/* Is there a note of Go's linker among so many octets of notes? */
bool elf_has_go_note(const uint8_t *octets, size_t length);

/* The interpreter of a script, #!PATH; false: it is none. */
bool script_interpreter(const uint8_t *octets, size_t length,
    char path[PATH_MAX]);

#endif
