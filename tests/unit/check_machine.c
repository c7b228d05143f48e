#include "check_main.h"

#include "schema/machine.h"

START_TEST(C15_file_systems_of_a_network_are_known)
{
	static const struct {
		long magic;
		enum machine_fs kind;
		const char *name;
	} cases[] = {
		{0xef53,            MACHINE_FS_LOCAL,   NULL  }, /* ext4 */
		{ 0x01021994,       MACHINE_FS_LOCAL,   NULL  }, /* tmpfs */
		{ 0x9123683e,       MACHINE_FS_LOCAL,   NULL  }, /* btrfs */
		{ 0x58465342,       MACHINE_FS_LOCAL,   NULL  }, /* xfs */
		{ 0x6969,           MACHINE_FS_NETWORK, "nfs" },
		{ 0xff534d42,       MACHINE_FS_NETWORK, "cifs"},
 /* As statfs(2) may give it where long has 32 bits. */
		{ (int)0xff534d42u, MACHINE_FS_NETWORK, "cifs"},
		{ 0x65735546,       MACHINE_FS_UNSURE,  "fuse"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name;

		ck_assert_int_eq(machine_fs_of(cases[i].magic, &name),
				 cases[i].kind);
		ck_assert_pstr_eq(name, cases[i].name);
	}
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("machine");
	TCase *tc = tcase_create("file systems");

	tcase_add_test(tc, C15_file_systems_of_a_network_are_known);
	suite_add_tcase(s, tc);
	return s;
}
