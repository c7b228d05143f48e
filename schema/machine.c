#include "schema/machine.h"

#include "schema/mem.h"

#include <pwd.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/vfs.h>
#include <unistd.h>

/* linux/magic.h, and the documents of those that are not in it. */
static const struct {
	uint32_t magic;
	enum machine_fs kind;
	const char *name;
} known[] = {
	{0x6969,      MACHINE_FS_NETWORK, "nfs"   },
	{ 0x517b,     MACHINE_FS_NETWORK, "smb"   },
	{ 0xff534d42, MACHINE_FS_NETWORK, "cifs"  },
	{ 0xfe534d42, MACHINE_FS_NETWORK, "smb2"  },
	{ 0x5346414f, MACHINE_FS_NETWORK, "afs"   },
	{ 0x73757245, MACHINE_FS_NETWORK, "coda"  },
	{ 0x00c36400, MACHINE_FS_NETWORK, "ceph"  },
	{ 0x0bd00bd0, MACHINE_FS_NETWORK, "lustre"},
	{ 0x47504653, MACHINE_FS_NETWORK, "gpfs"  },
	{ 0x19830326, MACHINE_FS_NETWORK, "beegfs"},
	{ 0x01021997, MACHINE_FS_UNSURE,  "9p"    },
	{ 0x65735546, MACHINE_FS_UNSURE,  "fuse"  },
};

enum machine_fs machine_fs_of(long magic, const char **ret_name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].magic == (uint32_t)magic) {
			*ret_name = known[i].name;
			return known[i].kind;
		}
	}
	*ret_name = NULL;
	return MACHINE_FS_LOCAL;
}

enum machine_fs machine_fs(const char *path, const char **ret_name)
{
	struct statfs st;

	return machine_fs_of(statfs(path, &st) == 0 ? (long)st.f_type : 0,
			     ret_name);
}

enum machine_linger machine_linger(void)
{
	const struct passwd *user = getpwuid(geteuid());
	auto_free char *mark = NULL;

	if (access("/run/systemd/system", F_OK) < 0 || user == NULL)
		return MACHINE_NO_SYSTEMD;
	mark = xasprintf("/var/lib/systemd/linger/%s", user->pw_name);
	return access(mark, F_OK) == 0 ? MACHINE_LINGERS : MACHINE_ENDS;
}
