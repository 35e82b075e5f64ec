# SPDX-License-Identifier: ISC
# A profile of AppArmor for both links of the handler:
#
#     install -m 644 apparmor.profile /etc/apparmor.d/socks64-handler
#     apparmor_parser -r /etc/apparmor.d/socks64-handler
#
# It holds from the first instruction on, also with `sandbox off', and costs no
# mount and no process for each connection.  Files that socks64.conf names elsewhere (`password-file',
# @FILE of rules, `state-dir', `log-to stderr' into a file) go into
# /etc/apparmor.d/local/socks64-handler, a line `/path/to/file r,' each.

abi <abi/3.0>,

include <tunables/global>

profile socks64-handler @SBINDIR@/socks64-handler{,-static} {
  # libc, libraries, /dev/null, /dev/urandom, /dev/log, the journal.
  include <abstractions/base>

  # The client, the servers, the name servers.
  network inet stream,
  network inet dgram,
  network inet6 stream,
  network inet6 dgram,
  # Which interface a prefix is of.
  network netlink raw,

  # Started as root it becomes another user; `mark' and `interface' need the
  # next two until the last dial.
  capability setuid,
  capability setgid,
  capability setpcap,
  capability net_admin,
  capability net_raw,

  # The listening mode executes itself anew, whatever lies at its name.
  @SBINDIR@/socks64-handler{,-static} mrix,

  /etc/passwd r,
  /etc/socks64/ r,
  /etc/socks64/** r,
  # What --index makes beside a list: with a name, for one without is none of
  # these.
  owner /etc/socks64/**.cdb{,.*} rw,
  # Configurations of `systemctl --user'.
  owner @{HOME}/.config/socks64/{,**} r,
  @{run}/credentials/** r,

  # Names; either may be a symlink.
  /etc/hosts r,
  /etc/resolv.conf r,
  @{run}/systemd/resolve/{,stub-}resolv.conf r,
  @{run}/{resolvconf,NetworkManager,connman}/resolv.conf r,

  # The association table.
  @{PROC}/sys/kernel/random/boot_id r,
  @{run}/socks64/ rw,
  @{run}/socks64/** rwkl,
  owner @{run}/user/*/socks64/{,**} rwkl,

  # STATUS= for systemd; syslog where there is no journal.
  @{run}/systemd/notify w,
  @{run}/systemd/journal/{dev-log,socket} w,
  /dev/log w,

  # -t looks at what it has opened.
  owner @{PROC}/@{pid}/fd/ r,

  include if exists <local/socks64-handler>
}
