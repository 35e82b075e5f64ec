#!/bin/sh
# SPDX-License-Identifier: ISC
# A run script for s6-tcpserver (s6-networking; not in Debian 12, so no test
# runs this one).  The records go to standard error, that is to s6-log.
#
# -c: connections in all, -C: for each client address; the defaults are 40
# and 40, less than one browser opens.  Over -C the connection is closed.
exec s6-setuidgid socks64 \
    s6-tcpserver -c 4096 -C 256 -b 4096 127.0.0.1 1080 \
    @SBINDIR@/socks64-handler-static -f /etc/socks64/socks64.conf
