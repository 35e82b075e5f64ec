/* SPDX-License-Identifier: ISC */
/*
 * The system calls of the table that only older architectures have, or only
 * newer headers: elsewhere they have no number, and no row.
 */
#ifndef SOCKS64_SANDBOX_NUMBERS_H
#define SOCKS64_SANDBOX_NUMBERS_H

#include <sys/syscall.h>

#include "sandbox/calls.h"

#ifndef SYS_chmod
#define SYS_chmod CALL_ABSENT
#endif
#ifndef SYS_chown
#define SYS_chown CALL_ABSENT
#endif
#ifndef SYS_creat
#define SYS_creat CALL_ABSENT
#endif
#ifndef SYS_fork
#define SYS_fork CALL_ABSENT
#endif
#ifndef SYS_iopl
#define SYS_iopl CALL_ABSENT
#endif
#ifndef SYS_ioperm
#define SYS_ioperm CALL_ABSENT
#endif
#ifndef SYS_kexec_file_load
#define SYS_kexec_file_load CALL_ABSENT
#endif
#ifndef SYS_lchown
#define SYS_lchown CALL_ABSENT
#endif
#ifndef SYS_link
#define SYS_link CALL_ABSENT
#endif
#ifndef SYS_mkdir
#define SYS_mkdir CALL_ABSENT
#endif
#ifndef SYS_mknod
#define SYS_mknod CALL_ABSENT
#endif
#ifndef SYS_modify_ldt
#define SYS_modify_ldt CALL_ABSENT
#endif
#ifndef SYS_open
#define SYS_open CALL_ABSENT
#endif
#ifndef SYS_process_mrelease
#define SYS_process_mrelease CALL_ABSENT
#endif
#ifndef SYS_rename
#define SYS_rename CALL_ABSENT
#endif
#ifndef SYS_renameat
#define SYS_renameat CALL_ABSENT
#endif
#ifndef SYS_rmdir
#define SYS_rmdir CALL_ABSENT
#endif
#ifndef SYS_symlink
#define SYS_symlink CALL_ABSENT
#endif
#ifndef SYS_unlink
#define SYS_unlink CALL_ABSENT
#endif
#ifndef SYS_uselib
#define SYS_uselib CALL_ABSENT
#endif
#ifndef SYS_vfork
#define SYS_vfork CALL_ABSENT
#endif

#endif
