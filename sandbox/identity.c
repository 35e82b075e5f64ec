/* SPDX-License-Identifier: ISC */
/*
 * Becoming another user, for good.  The user is looked up in /etc/passwd
 * itself: NSS would load code and ask the network, and stdio's first use costs
 * more than all the rest here.
 */
#include "sandbox/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/lines.h"
#include "base/number.h"
#include "sandbox/sandbox.h"

#define PASSWD_FILE "/etc/passwd"

static uint64_t kept;
static uint64_t inheritable; /* of that, for the next program */

/* Is it a decimal number?  As a user it is a UID then, never a name.  The
 * highest number means "unchanged" to the kernel, and is nobody's. */
static bool
id_parse(const char *text, uint32_t *out)
{
	uint64_t id;

	if (!number_parse(text, UINT32_MAX - 1, &id))
		return false;
	*out = (uint32_t)id;
	return true;
}

/* NAME:PASSWORD:UID:GID:... of passwd(5).  The line is cut up; its name is
 * where it starts. */
static bool
entry_parse(char *line, struct sandbox_user *out)
{
	char *field[4];

	for (size_t i = 0; i < 4; i++) {
		field[i] = line;
		line = strchr(line, ':');
		if (line == NULL)
			return false;
		*line++ = '\0';
	}
	return id_parse(field[2], &out->uid) && id_parse(field[3], &out->gid);
}

/* `name`, or a UID; failing that, `second` where it is not NULL. */
static bool
identity_find(struct lines *passwd, const char *name, const char *second,
    struct sandbox_user *out)
{
	struct sandbox_user entry;
	size_t length;
	uid_t uid = 0;
	const bool is_uid = id_parse(name, &uid);
	bool found = false;

	for (char *line = lines_next(passwd, &length); line != NULL;
	     line = lines_next(passwd, &length)) {
		if (!entry_parse(line, &entry))
			continue;
		if (is_uid ? entry.uid == uid : strcmp(line, name) == 0) {
			*out = entry;
			return true;
		}
		if (second != NULL && !found && strcmp(line, second) == 0) {
			*out = entry;
			found = true;
		}
	}
	return found;
}

const char *
sandbox_find_user(const char *name, struct sandbox_user *out)
{
	struct lines passwd;
	int fd;

	*out = (struct sandbox_user){ 0 };
	if (geteuid() != 0)
		return NULL;
	fd = open(PASSWD_FILE, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return PASSWD_FILE " cannot be read";
	lines_start(&passwd, fd);
	const bool found = name != NULL ?
	    identity_find(&passwd, name, NULL, out) :
	    identity_find(&passwd, "socks64", "nobody", out);
	close(fd);
	if (!found)
		return "the user is not in " PASSWD_FILE;
	/* SECURITY: without capabilities root still owns root's files. */
	if (out->uid == 0)
		return "the user is root: name another";
	return NULL;
}

static bool
capabilities_set(const struct __user_cap_data_struct *data)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};

	return syscall(SYS_capset, &header, data) == 0;
}

/*
 * Leaves what is in `keep` and is held now; nothing else is inheritable then,
 * and so the kernel empties the ambient set too.  Where that is so already
 * nothing is set: a filter around us, as a service's SystemCallFilter=, may
 * kill for capset(2).
 */
static bool
capabilities_limit(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct __user_cap_data_struct held[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	memcpy(held, data, sizeof(held));
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = data[i].permitted &
		    (uint32_t)(inheritable >> 32 * i);
	}
	kept = data[0].permitted | (uint64_t)data[1].permitted << 32;
	return memcmp(held, data, sizeof(held)) == 0 || capabilities_set(data);
}

/* The bounding set, as long as we may: CAP_SETPCAP goes last of all. */
static void
capabilities_unbind(void)
{
	for (int i = 0; i < 64; i++) {
		if (prctl(PR_CAPBSET_DROP, i, 0, 0, 0) != 0)
			return; /* past the last one, or not permitted */
	}
}

static const char *
capabilities_drop(uint64_t keep)
{
	return capabilities_limit(keep) ? NULL :
					  "capabilities could not be dropped";
}

static const char *
identity_take(const struct sandbox_user *who, uint64_t keep)
{
	/* Where a user namespace forbids setgroups(2), there may be none. */
	if (setgroups(0, NULL) != 0 && getgroups(0, NULL) != 0)
		return "supplementary groups could not be dropped";
	if (setresgid(who->gid, who->gid, who->gid) != 0)
		return "the group could not be set";
	if (keep != 0 && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return "capabilities could not be kept";
	if (setresuid(who->uid, who->uid, who->uid) != 0)
		return "the user could not be set";
	return NULL;
}

/* SECURITY: a setresuid(2) that lies, or that leaves a way back to root. */
static bool
identity_holds(const struct sandbox_user *who)
{
	uid_t uid[3];
	gid_t gid[3];

	if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 ||
	    getresgid(&gid[0], &gid[1], &gid[2]) != 0)
		return false;
	for (size_t i = 0; i < 3; i++) {
		if (uid[i] != who->uid || gid[i] != who->gid)
			return false;
	}
	return setuid(0) != 0 && (who->gid == 0 || setgid(0) != 0);
}

const char *
sandbox_become(const struct sandbox_user *who, uint64_t keep)
{
	const char *problem;

	if (geteuid() != 0)
		return capabilities_drop(keep);
	if (who->uid == 0)
		return "there is no user to become";
	capabilities_unbind();
	problem = identity_take(who, keep);
	if (problem != NULL)
		return problem;
	problem = capabilities_drop(keep);
	if (problem != NULL)
		return problem;
	if (!identity_holds(who))
		return "the way back to root is open";
	return NULL;
}

bool
identity_drop_kept(void)
{
	static const struct __user_cap_data_struct
	    none[_LINUX_CAPABILITY_U32S_3];

	return kept == 0 || capabilities_set(none);
}

/*
 * SECURITY: only what is inheritable can be ambient, and only what is in the
 * bounding set can be made inheritable: so before that is emptied.
 */
static bool
capabilities_inherit(uint64_t keep)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &header, data) != 0)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		data[i].inheritable = (uint32_t)(keep >> 32 * i) &
		    data[i].permitted;
	return capabilities_set(data);
}

/* Ambient: a program without capabilities of its own has these. */
static bool
capabilities_pass(uint64_t keep)
{
	for (unsigned long i = 0; i < 64; i++)
		if ((keep & UINT64_C(1) << i) != 0 &&
		    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, i, 0, 0) != 0)
			return false;
	return true;
}

const char *
sandbox_become_for_next(const struct sandbox_user *who, uint64_t keep)
{
	static const char wrong[] = "a capability could not be passed on";
	const char *problem;

	if (!capabilities_inherit(keep))
		return wrong;
	inheritable = keep;
	problem = sandbox_become(who, keep);
	if (problem != NULL)
		return problem;
	return capabilities_pass(kept) ? NULL : wrong;
}
