/* SPDX-License-Identifier: ISC */
/*
 * The pieces of a script.
 */
#include "tests/fuzz/machine/pieces.h"

#define CLIENT(octets) \
	{ \
		false, sizeof(octets) - 1, octets \
	}
#define SERVER(octets) \
	{ \
		true, sizeof(octets) - 1, octets \
	}
#define NAME "\3\11a.example"

const struct piece pieces[PIECES] = {
	CLIENT("\5\1\0"),
	CLIENT("\5\2\0\2"),
	CLIENT("\1\5alice\6secret"),
	CLIENT("\1\3bob\1x"),
	CLIENT("\5\1\0\1\xc0\0\2\x50\0\x50"),
	CLIENT("\5\1\0" NAME "\0\x50"),
	CLIENT("\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x80\0\x50"),
	CLIENT("\5\2\0\1\xc0\0\2\x50\0\x15"),
	CLIENT("\5\3\0\1\0\0\0\0\0\0"),
	CLIENT("\4\1\0\x50\xc0\0\2\x50me\0"),
	CLIENT("\4\1\0\x50\0\0\0\1me\0a.example\0"),
	CLIENT("\4\2\0\x15\xc0\0\2\x50me\0"),
	CLIENT("PROXY TCP4 192.0.2.7 192.0.2.1 4711 1080\r\n"),
	CLIENT("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\14\xc0\0\2\7\xc0\0\2\1\x12\x67"
	       "\4\x38"),
	CLIENT("\5\1\0\1\xc0\0\2\x50\0\x15"),
	CLIENT("\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x80\0\x15"),
	CLIENT("\5\10\0" NAME "\0\0"),
	CLIENT("\5\11\0" NAME "\0\x50"),
	SERVER("\5\0"),
	SERVER("\5\0\0\1\xc0\0\2\x51\x9c\x40"),
	SERVER("220 ready\r\n"),
	SERVER("227 Entering Passive Mode (192,0,2,80,195,80)\r\n"),
	SERVER("229 Entering Extended Passive Mode (|||50000|)\r\n"),
	CLIENT("USER a\r\n"),
	SERVER("230 in\r\n"),
	CLIENT("PASV\r\n"),
	CLIENT("EPSV\r\n"),
	CLIENT("PORT 192,0,2,7,195,80\r\nRETR f\r\n"),
	CLIENT("EPRT |2|2001:db8::7|50000|\r\nRETR f\r\n"),
	SERVER("200 ok\r\n"),
	SERVER("150 here it comes\r\n"),
	SERVER("226 done\r\n"),
};
