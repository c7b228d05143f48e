#pragma once

/* What of this machine decides whether hpsd can work here. */

enum machine_fs {
	MACHINE_FS_LOCAL,
	MACHINE_FS_UNSURE,  /* may lead to another machine */
	MACHINE_FS_NETWORK, /* SQLite's WAL does not work there */
};

/*
 * What @path lies on; what cannot be told is local. @ret_name ("nfs") is
 * static, NULL for a local one.
 */
enum machine_fs machine_fs(const char *path, const char **ret_name);
/* The same of a number of statfs(2). */
enum machine_fs machine_fs_of(long magic, const char **ret_name);

enum machine_linger {
	MACHINE_LINGERS, /* what a user runs goes on after the last log-out */
	MACHINE_ENDS,    /* systemd ends it then */
	MACHINE_NO_SYSTEMD,
};

enum machine_linger machine_linger(void);
