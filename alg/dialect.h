/* SPDX-License-Identifier: ISC */
/*
 * Does the client speak FTP?  Somebody else's page or message can make a
 * program of the client's send what looks like FTP in the middle of something
 * else ("NAT slipstreaming"): a line "PORT ..." in the body of a POST, in a
 * TLS session ticket, in a message of SIP, TURN or IRC.  What nobody can
 * choose is how those protocols begin, and that is looked at here.  Pure.
 *
 * Until the server has granted a login, each line must be a command that an
 * RFC knows, in printable octets:
 *
 *	USER anonymous                 FTP
 *	GET /x HTTP/1.1                another: no such command
 *	USER /x HTTP/1.1               another: a method of a script's choice
 *	Host: a                        another: no command has a colon
 *	16 03 01 02 00 ...             another: TLS
 *	PORT 192,0,2,7,31,144          FTP only behind USER
 */
#ifndef SOCKS64_ALG_DIALECT_H
#define SOCKS64_ALG_DIALECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Tells whether a client that has not logged in may begin a line of FTP like
 * that.  The octets are without Telnet's sequences and without the line's end;
 * `whole' says that the line ended there, else more of it may follow.
 */
bool dialect_is_ftp(const uint8_t *line, size_t length, bool whole);

/* Tells whether a line is a request of HTTP: its last word is a version.  It
 * is none of FTP's whatever came before, login or not. */
bool dialect_is_http(const uint8_t *line, size_t length);

#endif
