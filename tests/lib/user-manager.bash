# SPDX-License-Identifier: ISC
# A user manager in the systemd of a file of tests, which has a function
# `inside' for what is run there, and UNITS.
#
# shellcheck shell=bash

# A user manager for nobody, as logind would start it.
start_user_manager() {
	inside sh -c 'mkdir -p /run/user/65534 /run/home
	    chown 65534:65534 /run/user/65534 /run/home'
	printf '%s\n' '[Service]' 'Type=notify' 'User=nobody' 'Delegate=yes' \
	    'Environment=XDG_RUNTIME_DIR=/run/user/65534 HOME=/run/home' \
	    'ExecStart=/lib/systemd/systemd --user' 'KillMode=mixed' |
	    inside tee "$UNITS/user-manager.service" >/dev/null
	inside systemctl daemon-reload
	inside systemctl start user-manager.service
}

as_user() {
	inside setpriv --reuid 65534 --regid 65534 --clear-groups env \
	    XDG_RUNTIME_DIR=/run/user/65534 HOME=/run/home "$@"
}

stop_user_manager() {
	inside systemctl stop user-manager.service
	inside rm -r "$UNITS/user-manager.service" /run/user/65534 /run/home
}
