/* SPDX-License-Identifier: ISC */
/*
 * /etc/hosts, read at each question, as libc does.
 */
#include "lib/hosts.h"

#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/lines.h"
#include "lib/real.h"

static const char blanks[] = " \t\r";

struct question {
	const char *name;
	int family;
	struct address *other;
	enum hosts found;
};

/* One line without its end: ADDRESS NAME... */
static void
read_line(struct question *q, char *line)
{
	struct address a;

	line[strcspn(line, "#")] = '\0';
	char *at = line + strspn(line, blanks);
	const size_t length = strcspn(at, blanks);
	if (!address_parse(at, length, &a))
		return;
	for (at += length; *at != '\0'; at += strcspn(at, blanks)) {
		at += strspn(at, blanks);
		const size_t word = strcspn(at, blanks);
		if (word != strlen(q->name) ||
		    strncasecmp(at, q->name, word) != 0)
			continue;
		if (q->family == AF_UNSPEC ||
		    (q->family == AF_INET) == (a.family == FAMILY_IPV4)) {
			q->found = HOSTS_HAVE;
		} else if (q->found == HOSTS_NONE) {
			q->found = HOSTS_OTHER;
			*q->other = a;
		}
		return;
	}
}

enum hosts
hosts_find(const char *name, int family, struct address *other)
{
	struct question q = { name, family, other, HOSTS_NONE };
	const int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);
	struct lines lines;
	size_t length;

	if (fd == -1)
		return HOSTS_NONE;
	lines_start(&lines, fd);
	for (char *line = lines_next(&lines, &length); line != NULL;
	     line = lines_next(&lines, &length))
		read_line(&q, line);
	(void)real.close(fd);
	return q.found;
}

bool
hosts_serves(const struct address *a)
{
	static const char keyword[] = "nameserver";
	const int fd = open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC);
	struct lines lines;
	struct address server;
	size_t length;
	bool found = false;

	if (fd == -1)
		return false;
	lines_start(&lines, fd);
	for (char *line = lines_next(&lines, &length); line != NULL && !found;
	     line = lines_next(&lines, &length)) {
		line += strspn(line, blanks);
		if (strncmp(line, keyword, strlen(keyword)) != 0)
			continue;
		line += strlen(keyword);
		line += strspn(line, blanks);
		found = address_parse(line, strcspn(line, " \t\r%#"),
			    &server) &&
		    address_equal(&server, a);
	}
	(void)real.close(fd);
	return found;
}
