#!/usr/bin/python3
# SPDX-License-Identifier: ISC
"""crypt(3) of libcrypt, which Python's own module was until 3.13 took it away.

    hashes.py PASSWORD [SETTING]      prints the hash

SETTING is a prefix of crypt(5) with its salt; without one it is what
`openssl passwd -6` would choose.  PASSWORD's octets are taken as they are.
"""
import ctypes
import os
import sys

_LIBRARY = ctypes.CDLL("libcrypt.so.1")
_LIBRARY.crypt.restype = ctypes.c_char_p


def crypt(password, setting):
    """The hash of these octets, as text; None where there is none."""
    hashed = _LIBRARY.crypt(password, setting.encode())
    return hashed.decode() if hashed else None


if __name__ == "__main__":
    print(crypt(os.fsencode(sys.argv[1]),
                sys.argv[2] if len(sys.argv) > 2 else "$6$saltsaltsalt"))
