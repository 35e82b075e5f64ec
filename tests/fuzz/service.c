/* SPDX-License-Identifier: ISC */
/*
 * The listening mode, in the machine of tests/fuzz/machine: each run is one
 * process of it, the parent, the gate or a session, and the script does what
 * the others do.
 *
 * The input: an octet for the configuration and the listeners, one that says
 * as what the run goes on at each fork, then the script.
 */
#include "tests/fuzz/machine/machine.h"

enum { HEAD = 2, CHOICES = 8 };
enum { FLAG_TWO = 8, FLAG_PATH = 16, FLAG_ROOT = 32, FLAG_STAYS = 64 };

#define OPEN "log-level debug\nallow all at any\n"

static const char *const configurations[CHOICES] = {
	OPEN,
	OPEN "max-sessions 1\n",
	OPEN "max-sessions-per-client 1\nmax-rate-per-client 2/10\n",
	OPEN "auth password\npassword-file /etc/secrets\n"
	     "max-sessions-per-user 1\n",
	OPEN "metrics-file /run/metrics\nlog-to journal\n",
	"allow nonsense\n",
	OPEN "proxy-protocol-from 192.0.2.0/24\n",
	OPEN "exit-idle-time 5\nsandbox off\nlog-to syslog\n",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct scenario s = { .hosts = "",
		.resolv_conf = "nameserver 192.0.2.53\n",
		.arguments = { "-f", "/etc/socks64.conf", "-l",
		    "192.0.2.1:1080" },
		.zone_answers = true,
		.has_table = true,
		.listens = true };

	if (size < HEAD)
		return 0;
	s.configuration = configurations[data[0] % CHOICES];
	s.proxied = data[0] % CHOICES == 6;
	s.ftp = true;
	if ((data[0] & FLAG_TWO) != 0) {
		s.arguments[4] = "-l";
		s.arguments[5] = "[2001:db8::1]:1080";
	}
	if ((data[0] & FLAG_PATH) != 0)
		s.arguments[3] = "/run/socks64.socket";
	s.as_root = (data[0] & FLAG_ROOT) != 0;
	s.stays = (data[0] & FLAG_STAYS) != 0;
	s.forks = data[1];
	s.script = data + HEAD;
	s.script_length = size - HEAD;
	machine_run(&s);
	return 0;
}
