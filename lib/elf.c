/* SPDX-License-Identifier: ISC */
/*
 * Heads of files.
 */
#include "lib/elf.h"

#include <elf.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

/* A number of `size` octets, of the byte order of this machine. */
static uint64_t
number_at(const uint8_t *at, size_t size)
{
	uint16_t two;
	uint32_t four;
	uint64_t eight;

	if (size == 2) {
		memcpy(&two, at, sizeof(two));
		return two;
	}
	if (size == 4) {
		memcpy(&four, at, sizeof(four));
		return four;
	}
	memcpy(&eight, at, sizeof(eight));
	return eight;
}

/* Where the fields are that we read, for files of 32 and of 64 bits. */
struct layout {
	size_t header;
	size_t table;      /* e_phoff, a word */
	size_t entry_size; /* e_phentsize, 2 octets */
	size_t count;      /* e_phnum, 2 octets */
	size_t word;
	size_t entry;     /* of Elf*_Phdr */
	size_t offset;    /* p_offset */
	size_t file_size; /* p_filesz */
};

static const struct layout layout32 = {
	sizeof(Elf32_Ehdr),
	offsetof(Elf32_Ehdr, e_phoff),
	offsetof(Elf32_Ehdr, e_phentsize),
	offsetof(Elf32_Ehdr, e_phnum),
	4,
	sizeof(Elf32_Phdr),
	offsetof(Elf32_Phdr, p_offset),
	offsetof(Elf32_Phdr, p_filesz),
};

static const struct layout layout64 = {
	sizeof(Elf64_Ehdr),
	offsetof(Elf64_Ehdr, e_phoff),
	offsetof(Elf64_Ehdr, e_phentsize),
	offsetof(Elf64_Ehdr, e_phnum),
	8,
	sizeof(Elf64_Phdr),
	offsetof(Elf64_Phdr, p_offset),
	offsetof(Elf64_Phdr, p_filesz),
};

static void
take_segment(struct elf *elf, const uint8_t *entry, const struct layout *l)
{
	const uint64_t type = number_at(entry, 4); /* p_type */

	if (type == PT_INTERP)
		elf->has_interpreter = true;
	if (type == PT_NOTE && elf->note_count < ARRAY_COUNT(elf->notes)) {
		elf->notes[elf->note_count].offset = number_at(
		    entry + l->offset, l->word);
		elf->notes[elf->note_count++].size = number_at(
		    entry + l->file_size, l->word);
	}
}

struct elf
elf_read(const uint8_t *octets, size_t length, const uint8_t *like)
{
	struct elf elf = { .is_elf = false };
	const struct layout *l = &layout64;

	if (length < EI_NIDENT || memcmp(octets, ELFMAG, SELFMAG) != 0)
		return elf;
	elf.is_elf = true;
	if (octets[EI_CLASS] == ELFCLASS32)
		l = &layout32;
	if (length < l->header)
		return elf;
	elf.same_machine = octets[EI_CLASS] == like[EI_CLASS] &&
	    octets[EI_DATA] == like[EI_DATA] &&
	    memcmp(octets + offsetof(Elf64_Ehdr, e_machine),
		like + offsetof(Elf64_Ehdr, e_machine), 2) == 0;
	if (!elf.same_machine)
		return elf;
	const uint64_t table = number_at(octets + l->table, l->word);
	const uint64_t size = number_at(octets + l->entry_size, 2);
	const uint64_t count = number_at(octets + l->count, 2);
	for (uint64_t i = 0; i < count && size >= l->entry; i++) {
		if (table > length || (i + 1) * size > length - table)
			break;
		take_segment(&elf, octets + table + i * size, l);
	}
	return elf;
}

/* NAMESZ DESCSZ TYPE, name and description, each a multiple of 4. */
bool
elf_has_go_note(const uint8_t *octets, size_t length)
{
	enum { HEAD = 12 };

	while (length >= HEAD) {
		const uint64_t name = number_at(octets, 4);
		const uint64_t rest = number_at(octets + 4, 4);
		const uint64_t whole = HEAD + ((name + 3) & ~UINT64_C(3)) +
		    ((rest + 3) & ~UINT64_C(3));

		if (name == 4 && length >= HEAD + 4 &&
		    memcmp(octets + HEAD, "Go\0", 4) == 0)
			return true;
		if (whole > length)
			break;
		octets += whole;
		length -= whole;
	}
	return false;
}

bool
script_interpreter(const uint8_t *octets, size_t length, char path[PATH_MAX])
{
	size_t start = 2;
	size_t end;

	if (length < 3 || octets[0] != '#' || octets[1] != '!')
		return false;
	while (start < length &&
	    (octets[start] == ' ' || octets[start] == '\t'))
		start++;
	for (end = start; end < length && octets[end] != '\n' &&
	     octets[end] != ' ' && octets[end] != '\t' && octets[end] != '\0';
	     end++)
		continue;
	if (end == start || end == length || end - start >= PATH_MAX)
		return false;
	text_copy(path, end - start + 1, (const char *)octets + start);
	return true;
}
