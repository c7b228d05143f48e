#include "check_main.h"

#include "schema/mem.h"
#include "schema/paths.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct paths paths;
static struct diag faults;

static void setup(void)
{
	unsetenv("HPSD_STATE");
	unsetenv("HPSD_SOCKET");
	unsetenv("XDG_STATE_HOME");
	unsetenv("XDG_RUNTIME_DIR");
	setenv("HOME", "/home/ada", 1);
}

static void teardown(void)
{
	paths_free(&paths);
	diag_free(&faults);
}

static void found(const char *state, const char *socket, const char *want_state,
		  const char *want_socket)
{
	paths_free(&paths);
	ck_assert_int_eq(paths_find(state, socket, &paths, &faults), 0);
	ck_assert_str_eq(paths.state_dir, want_state);
	ck_assert_str_eq(paths.socket, want_socket);
}

START_TEST(without_any_variable_both_are_under_home)
{
	found(NULL, NULL, "/home/ada/.local/state/hpsd",
	      "/home/ada/.local/state/hpsd/hpsd.sock");
}
END_TEST

START_TEST(the_session_s_folders_are_used)
{
	setenv("XDG_STATE_HOME", "/var/ada", 1);
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	found(NULL, NULL, "/var/ada/hpsd", "/run/user/1/hpsd.sock");
}
END_TEST

START_TEST(relative_session_folders_are_ignored)
{
	setenv("XDG_STATE_HOME", "var", 1);
	setenv("XDG_RUNTIME_DIR", "run", 1);
	found(NULL, NULL, "/home/ada/.local/state/hpsd",
	      "/home/ada/.local/state/hpsd/hpsd.sock");
}
END_TEST

START_TEST(a_state_directory_of_an_option_has_its_own_socket)
{
	setenv("XDG_RUNTIME_DIR", "/run/user/1", 1);
	setenv("HPSD_STATE", "/tmp/a", 1);
	found("/tmp/b", NULL, "/tmp/b", "/tmp/b/hpsd.sock");
	found(NULL, NULL, "/tmp/a", "/run/user/1/hpsd.sock");
}
END_TEST

START_TEST(options_win_over_variables)
{
	setenv("HPSD_STATE", "/tmp/a", 1);
	setenv("HPSD_SOCKET", "/tmp/s", 1);
	found("/tmp/b", "/tmp/t", "/tmp/b", "/tmp/t");
}
END_TEST

START_TEST(relative_ones_begin_at_the_current_directory)
{
	ck_assert_int_eq(chdir("/usr"), 0);
	found("x", "y", "/usr/x", "/usr/y");
}
END_TEST

START_TEST(D3_a_socket_s_path_that_is_too_long_is_a_fault)
{
	char path[200];
	auto_free char *text = NULL;

	memset(path, 'a', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	ck_assert_int_eq(paths_find(path, NULL, &paths, &faults), 1);
	text = diag_text(&faults, NULL);
	ck_assert_ptr_nonnull(strstr(text, "has 209 bytes"));
}
END_TEST

START_TEST(no_home_is_a_fault)
{
	unsetenv("HOME");
	ck_assert_int_eq(paths_find(NULL, NULL, &paths, &faults), 1);
	ck_assert_uint_eq(faults.n, 1);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("paths");
	TCase *tc = tcase_create("paths");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, without_any_variable_both_are_under_home);
	tcase_add_test(tc, the_session_s_folders_are_used);
	tcase_add_test(tc, relative_session_folders_are_ignored);
	tcase_add_test(tc, a_state_directory_of_an_option_has_its_own_socket);
	tcase_add_test(tc, options_win_over_variables);
	tcase_add_test(tc, relative_ones_begin_at_the_current_directory);
	tcase_add_test(tc, D3_a_socket_s_path_that_is_too_long_is_a_fault);
	tcase_add_test(tc, no_home_is_a_fault);
	suite_add_tcase(s, tc);
	return s;
}
