#!/bin/sh
# SPDX-License-Identifier: ISC
# make install and make uninstall: one table of files, walked both ways.
#
#     units/install.sh install|uninstall     (PREFIX and DESTDIR in the
#                                             environment)
#
# Every file is put in place by rename: no connection meets half a handler,
# or none.  Nothing outside of DESTDIR is touched where it is set.  A program
# that was there and was another one is kept beside it, as NAME.old.
set -eu

sysconf=/etc/socks64

# MODE SOURCE DESTINATION, a line for each file
table() {
	units=$PREFIX/lib/systemd
	share=$PREFIX/share
	completions=units/completions
	cat <<-EOF
		755 socks64-handler $PREFIX/sbin/socks64-handler
		755 socks64-handler-static $PREFIX/sbin/socks64-handler-static
		755 socks64 $PREFIX/bin/socks64
		755 libsocks64.so $PREFIX/lib/socks64/libsocks64.so
		644 man/socks64.1 $share/man/man1/socks64.1
		644 man/socks64-handler.8 $share/man/man8/socks64-handler.8
		644 man/socks64.conf.5 $share/man/man5/socks64.conf.5
		644 units/socks64.socket $units/system/socks64.socket
		644 units/socks64@.service $units/system/socks64@.service
		644 units/socks64d.socket $units/system/socks64d.socket
		644 units/socks64d.service $units/system/socks64d.service
		644 units/user/socks64d.socket $units/user/socks64d.socket
		644 units/user/socks64d.service $units/user/socks64d.service
		644 units/socks64.slice $units/system/socks64.slice
		644 units/user/socks64.slice $units/user/socks64.slice
		644 units/user/socks64.socket $units/user/socks64.socket
		644 units/user/socks64@.service $units/user/socks64@.service
		644 units/sysusers.conf $PREFIX/lib/sysusers.d/socks64.conf
		644 units/tmpfiles.conf $PREFIX/lib/tmpfiles.d/socks64.conf
		644 units/socks64.catalog $units/catalog/socks64.catalog
		644 $completions/socks64-handler.bash $share/bash-completion/completions/socks64-handler
		644 $completions/socks64-handler.bash $share/bash-completion/completions/socks64-handler-static
		644 $completions/socks64.bash $share/bash-completion/completions/socks64
		644 $completions/_socks64-handler $share/zsh/site-functions/_socks64-handler
		644 $completions/_socks64 $share/zsh/site-functions/_socks64
		644 LICENSE $doc/LICENSE
		644 README.md $doc/README.md
		644 CHANGELOG.md $doc/CHANGELOG.md
		644 SECURITY.md $doc/SECURITY.md
		644 units/hardened.conf $doc/examples/hardened.conf
	EOF
	for page in doc/*.md; do
		echo "644 $page $doc/$page"
	done
	for example in units/examples/*; do
		mode=644
		case $example in *.sh | */metrics) mode=755 ;; esac
		echo "$mode $example $doc/examples/${example##*/}"
	done
}

is_program() { # SOURCE
	case $1 in
	socks64-handler* | socks64 | libsocks64.so) return 0 ;;
	esac
	return 1
}

# A link, so that there is a program at each moment.
keep() { # SOURCE DESTINATION
	[ -z "$DESTDIR" ] && [ -e "$2" ] || return 0
	! cmp -s "$1" "$2" || return 0
	ln -f "$2" "$2.old"
}

place() { # MODE SOURCE DESTINATION
	mkdir -p "${3%/*}"
	if is_program "$2"; then
		keep "$2" "$3"
		cp "$2" "$3.new"
	else
		sed "s|@SBINDIR@|$PREFIX/sbin|g" "$2" >"$3.new"
	fi
	chmod "$1" "$3.new"
	mv -f "$3.new" "$3"
}

is_live() { # root, and the real file system: the system may be told
	[ -z "$DESTDIR" ] && [ "$(id -u)" = 0 ]
}

tell_system() {
	is_live || return 0
	if command -v systemctl >/dev/null && [ -d /run/systemd/system ]; then
		systemctl daemon-reload
	fi
	if command -v journalctl >/dev/null; then
		journalctl --update-catalog
	fi
}

make_user() {
	is_live || return 0
	if command -v systemd-sysusers >/dev/null; then
		systemd-sysusers "$PREFIX/lib/sysusers.d/socks64.conf"
	fi
	if ! grep -q '^socks64:' /etc/passwd; then
		echo "There is no user socks64 yet; make it with"
		echo "    useradd --system --home-dir / --shell /usr/sbin/nologin socks64"
		return 0
	fi
	if command -v systemd-tmpfiles >/dev/null; then
		systemd-tmpfiles --create "$temporary"
	else
		install -d -m 700 -o socks64 -g socks64 /run/socks64
		echo "FTP between families needs this at each boot, in /etc/rc.local:"
		echo "    install -d -m 700 -o socks64 -g socks64 /run/socks64"
	fi
}

place_configuration() {
	if [ -e "$DESTDIR$sysconf/socks64.conf" ]; then
		return 0
	fi
	if [ -z "$DESTDIR" ] && [ "$(id -u)" != 0 ]; then
		echo "Not root: without $sysconf/socks64.conf the defaults hold."
		return 0
	fi
	mkdir -p "$DESTDIR$sysconf"
	place 644 units/examples/socks64.conf "$DESTDIR$sysconf/socks64.conf"
}

say_what_is_left() {
	[ -z "$DESTDIR" ] || return 0
	manager=system
	control=systemctl
	if [ "$(id -u)" != 0 ]; then
		manager=user
		control='systemctl --user'
	fi
	echo "Installed.  All that is left to do:"
	command -v systemctl >/dev/null || {
		echo "    a line of $doc/examples/inetd.conf in /etc/inetd.conf"
		return 0
	}
	case $PREFIX in
	/usr | /usr/local)
		echo "    $control enable --now socks64.socket"
		;;
	*)
		units=$PREFIX/lib/systemd/$manager
		[ "$manager" = user ] ||
		    echo "    ln -s $temporary /etc/tmpfiles.d/"
		echo "    $control link $units/socks64@.service"
		echo "    $control enable --now $units/socks64.socket"
		;;
	esac
	echo "or, with inetd, a line of"
	echo "    $doc/examples/inetd.conf"
}

# What was kept by this install or an earlier one; sessions that are to come
# use what lies at the name.
say_how_to_go_back() {
	[ -z "$DESTDIR" ] || return 0
	table | while read -r _ source destination; do
		is_program "$source" && [ -e "$destination.old" ] || continue
		echo "    mv $destination.old $destination"
	done | sed '1i\
The programs before these are kept.  To go back to them:'
}

install_all() {
	umask 022
	table | while read -r mode source destination; do
		place "$mode" "$source" "$DESTDIR$destination"
	done
	place_configuration
	make_user
	tell_system
	say_what_is_left
	say_how_to_go_back
}

# Directories that hold nothing any more, if they are such as we make; that of
# zsh is there anyway.
remove_directories() {
	if [ -n "$DESTDIR" ]; then
		[ -d "$DESTDIR" ] || return 0
		table | while read -r _ _ destination; do
			directory=${destination%/*}
			directory=${directory#/}
			[ ! -d "$DESTDIR/$directory" ] ||
			    (cd "$DESTDIR" &&
			    rmdir -p --ignore-fail-on-non-empty "$directory")
		done
		return 0
	fi
	for directory in share/bash-completion/completions \
	    share/bash-completion \
	    share/doc/socks64-handler/doc \
	    share/doc/socks64-handler/examples \
	    share/doc/socks64-handler lib/socks64 lib/systemd/system lib/systemd/user \
	    lib/systemd/catalog lib/systemd lib/sysusers.d lib/tmpfiles.d; do
		[ ! -d "$PREFIX/$directory" ] ||
		    rmdir --ignore-fail-on-non-empty "$PREFIX/$directory"
	done
}

# Stops the listener and takes away the links of enable and link.
disable_units() { # SYSTEMCTL...
	"$@" stop socks64.socket socks64d.socket socks64d.service || :
	"$@" disable socks64.socket socks64d.socket || :
	case $PREFIX in
	/usr | /usr/local) ;;
	*) "$@" disable socks64@.service || : ;;
	esac
}

tell_managers() {
	[ -z "$DESTDIR" ] && command -v systemctl >/dev/null || return 0
	if [ "$(id -u)" != 0 ]; then
		[ ! -d "${XDG_RUNTIME_DIR:-/nowhere}/systemd" ] ||
		    disable_units systemctl --user
	elif [ -d /run/systemd/system ]; then
		disable_units systemctl
	else
		systemctl disable socks64.socket socks64d.socket || :
	fi
}

uninstall_all() {
	tell_managers
	if is_live; then
		rm -rf /run/socks64
		[ "$(readlink /etc/tmpfiles.d/socks64.conf)" != "$temporary" ] ||
		    rm -f /etc/tmpfiles.d/socks64.conf
	fi
	table | while read -r _ source destination; do
		rm -f "$DESTDIR$destination"
		! is_program "$source" || rm -f "$DESTDIR$destination.old"
	done
	remove_directories
	tell_system
}

PREFIX=${PREFIX:-/usr/local}
DESTDIR=${DESTDIR:-}
doc=$PREFIX/share/doc/socks64-handler
temporary=$PREFIX/lib/tmpfiles.d/socks64.conf
cd "$(dirname "$0")/.."
case ${1:-} in
install) install_all ;;
uninstall) uninstall_all ;;
*)
	echo "usage: units/install.sh install|uninstall" >&2
	exit 64
	;;
esac
