#!/bin/sh
# SPDX-License-Identifier: ISC
# A run script for tcpserver (ucspi-tcp; with IPv6: ucspi-tcp-ipv6) under
# runit, daemontools or s6.  The records go to standard error, that is to the
# service's own logger.
#
# -R -H -l0: ask nobody's identd and no DNS about the client.
# -c: the default of 40 connections is less than one browser opens.  There is
# no rate limit; a client over -c waits in the backlog, -b.  Other addresses:
# ::1, or 0 for all, which ucspi-tcp-ipv6 serves in both families.
exec tcpserver -RH -l0 -c 4096 -b 4096 \
    -u "$(id -u socks64)" -g "$(id -g socks64)" \
    127.0.0.1 1080 \
    @SBINDIR@/socks64-handler-static -f /etc/socks64/socks64.conf
