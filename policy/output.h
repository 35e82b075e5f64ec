/* SPDX-License-Identifier: ISC */
/*
 * Writing the effective configuration in its own syntax (-T).  There is a
 * function for each kind of value; values.c puts them into the kinds.
 */
#ifndef SOCKS64_POLICY_OUTPUT_H
#define SOCKS64_POLICY_OUTPUT_H

#include <stdbool.h>

struct directive;
struct output; /* a descriptor with a buffer; output.c's alone */
struct settings;

/*
 * Writes the configuration to descriptor fd.  Read again as a file, what it
 * writes gives the same settings.  False: writing failed, see errno.
 */
bool output_settings(const struct settings *settings, int fd);

/* Each of these writes one value of that kind, without its keyword, and
 * nothing where the value stands for "none". */
void output_time(struct output *o, const struct directive *d,
    const struct settings *s);
void output_number(struct output *o, const struct directive *d,
    const struct settings *s);
void output_rate(struct output *o, const struct directive *d,
    const struct settings *s);
void output_word(struct output *o, const struct directive *d,
    const struct settings *s);
void output_switch(struct output *o, const struct directive *d,
    const struct settings *s);
void output_auth(struct output *o, const struct directive *d,
    const struct settings *s);
void output_string(struct output *o, const struct directive *d,
    const struct settings *s);
void output_mark(struct output *o, const struct directive *d,
    const struct settings *s);
void output_port_range(struct output *o, const struct directive *d,
    const struct settings *s);
void output_ftp_ports(struct output *o, const struct directive *d,
    const struct settings *s);
void output_resolvers(struct output *o, const struct directive *d,
    const struct settings *s);
void output_source(struct output *o, const struct directive *d,
    const struct settings *s);
void output_advertise(struct output *o, const struct directive *d,
    const struct settings *s);
void output_nat64(struct output *o, const struct directive *d,
    const struct settings *s);
void output_via_password(struct output *o, const struct directive *d,
    const struct settings *s);
void output_via_proxy(struct output *o, const struct directive *d,
    const struct settings *s);
void output_inside(struct output *o, const struct directive *d,
    const struct settings *s);
void output_proxy_from(struct output *o, const struct directive *d,
    const struct settings *s);

#endif
