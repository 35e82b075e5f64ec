/* SPDX-License-Identifier: ISC */
/*
 * The kinds of values that directives have: from text into a field of struct
 * settings (values.c), and back (output.c).  Which directive has which kind is
 * said in the table of directives.c alone.
 */
#ifndef SOCKS64_POLICY_VALUES_H
#define SOCKS64_POLICY_VALUES_H

#include "policy/directives.h"

/* The field at the offset of the directive, of the type that is named. */
extern const struct kind kind_time;       /* int64_t */
extern const struct kind kind_number;     /* uint32_t */
extern const struct kind kind_rate;       /* struct rate, N/TIME */
extern const struct kind kind_word;       /* an int-sized enum, or int */
extern const struct kind kind_switch;     /* bool */
extern const struct kind kind_string;     /* const char *, one word */
extern const struct kind kind_path;       /* the same, an absolute path */
extern const struct kind kind_port_range; /* struct port_range */

/* Each of these knows its own fields, and ignores the offset. */
extern const struct kind kind_auth;
extern const struct kind kind_interface;
extern const struct kind kind_mark;
extern const struct kind kind_resolvers;
extern const struct kind kind_source;
extern const struct kind kind_advertise;
extern const struct kind kind_ftp_ports;
extern const struct kind kind_nat64;
extern const struct kind kind_inside;
extern const struct kind kind_proxy_from;
extern const struct kind kind_via_password;
extern const struct kind kind_via_proxy;

/* A rule; the directive's `low` is its enum decision. */
extern const struct kind kind_rule;

#endif
