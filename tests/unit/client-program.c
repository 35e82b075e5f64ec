/* SPDX-License-Identifier: ISC */
/*
 * lib/elf.h on its own file: every prefix of its head is read without a
 * step behind its end, and the whole is what it is.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/elf.h"

static void
require(bool holds, const char *what)
{
	if (holds)
		return;
	printf("%s\n", what);
	exit(1);
}

static void
read_prefixes(const uint8_t *head, size_t size)
{
	for (size_t length = 0; length <= size; length++) {
		uint8_t *exact = malloc(length == 0 ? 1 : length);

		memcpy(exact, head, length);
		const struct elf elf = elf_read(exact, length, head);
		require(elf.is_elf == (length >= 16), "is it ELF?");
		(void)elf_has_go_note(exact, length);
		free(exact);
	}
}

int
main(void)
{
	static const uint8_t note[] = { 4, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
		'G', 'N', 'U', 0, 4, 0, 0, 0, 4, 0, 0, 0, 4, 0, 0, 0, 'G', 'o',
		0, 0, 1, 2, 3, 4 };
	uint8_t head[4096];
	char path[PATH_MAX];
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	const ssize_t size = read(fd, head, sizeof(head));

	require(size == sizeof(head), "its own file");
	read_prefixes(head, sizeof(head));
	struct elf elf = elf_read(head, sizeof(head), head);
	require(elf.same_machine && elf.has_interpreter && elf.note_count > 0,
	    "itself");
	head[18] ^= 1;
	uint8_t other[64];
	memcpy(other, head, sizeof(other));
	other[18] ^= 1;
	elf = elf_read(head, sizeof(head), other);
	require(elf.is_elf && !elf.same_machine, "another machine");
	require(elf_has_go_note(note, sizeof(note)), "Go");
	require(!elf_has_go_note(note, 16), "no Go");
	require(script_interpreter((const uint8_t *)"#! /bin/sh -e\n", 14,
		    path) &&
		strcmp(path, "/bin/sh") == 0,
	    "#!");
	require(!script_interpreter((const uint8_t *)"#!\n", 3, path) &&
		!script_interpreter((const uint8_t *)"#!/bin/sh", 9, path) &&
		!script_interpreter((const uint8_t *)"# /bin/sh\n", 10, path),
	    "no #!");
	return 0;
}
