#include "check_main.h"
#include "store/db.h"
#include "store_case.h"

#include "schema/buf.h"
#include "schema/mem.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *file_text(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "re");
	struct buf b = BUF_INIT;
	char block[4096];
	size_t n;

	ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_add(&b, block, n);
	fclose(f);
	*ret_len = b.len;
	return buf_take(&b);
}

static int64_t number_of(const char *query)
{
	auto_free char *text = case_query(query);

	return atoll(text);
}

static int64_t newest_version(void)
{
	int64_t n = 0;

	while (sql_migrations[n].name != NULL)
		n++;
	return n;
}

static void execute(const char *sql)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(the.path, &db), 0);
	ck_assert_msg(sqlite3_exec(db, sql, NULL, NULL, NULL) == 0, "%s",
		      sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* --- a new file -------------------------------------------------------------
 */

START_TEST(a_new_database_says_whose_it_is)
{
	ck_assert_int_eq(number_of("PRAGMA application_id"), DB_APPLICATION_ID);
	ck_assert_int_eq(number_of("PRAGMA user_version"), newest_version());
	ck_assert_int_eq(number_of("SELECT count(*) FROM sqlite_schema "
				   "WHERE type = 'table' AND sql NOT LIKE "
				   "'%) STRICT%' AND name NOT LIKE 'sqlite%'"),
			 0);
}
END_TEST

/*
 * The file as a kill -9 in the first commit leaves it: the mark is written, and
 * a hot journal says that the file was empty before.
 */
START_TEST(a_first_start_that_was_killed_leaves_no_foreign_file)
{
	static const unsigned char head[] = {
		0xd9, 0xd5, 0x05, 0xf9,
		0x20, 0xa1, 0x63, 0xd7, /* magic */
		0,    0,    0,    0,
		0,    0,    0,    0, /* records, nonce */
		0,    0,    0,    0,
		0,    0,    2,    0, /* pages, sector */
		0,    0,    16,   0, /* bytes of a page */
	};
	auto_free char *journal = xasprintf("%s-journal", the.path);
	char block[512] = "";
	FILE *f;

	case_shut();
	unlink(the.path);
	execute("PRAGMA application_id = 1752200036"); /* "hpsd" */
	memcpy(block, head, sizeof(head));
	f = fopen(journal, "we");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(block, sizeof(block), 1, f), 1);
	ck_assert_int_eq(fclose(f), 0);
	for (int start = 0; start < 2; start++) {
		case_open_again();
		ck_assert_int_eq(number_of("PRAGMA application_id"),
				 DB_APPLICATION_ID);
		case_shut();
	}
	case_open_again();
}
END_TEST

START_TEST(only_the_owner_may_read_it_whatever_the_umask)
{
	static const mode_t masks[] = { 0, 0277 };
	static const char *const files[] = { "", "-wal", "-shm" };

	case_shut();
	unlink(the.path);
	umask(masks[_i]);
	case_open_again();
	for (int i = 0; i < 3; i++) {
		auto_free char *path = xasprintf("%s%s", the.path, files[i]);
		struct stat st;

		ck_assert_int_eq(stat(path, &st), 0);
		ck_assert_int_eq(st.st_mode & 0777, 0600);
	}
}
END_TEST

START_TEST(a_start_that_changes_nothing_writes_nothing)
{
	size_t before_len, after_len;
	auto_free char *before = NULL;
	auto_free char *after = NULL;

	case_shut();
	before = file_text(the.path, &before_len);
	case_open_again();
	case_shut();
	after = file_text(the.path, &after_len);
	ck_assert_uint_eq(before_len, after_len);
	ck_assert_mem_eq(before, after, before_len);
	case_open_again();
}
END_TEST

START_TEST(a_close_leaves_no_wal)
{
	auto_free char *wal = xasprintf("%s-wal", the.path);

	ck_assert_int_eq(access(wal, F_OK), 0);
	case_shut();
	ck_assert_int_ne(access(wal, F_OK), 0);
	case_open_again();
}
END_TEST

START_TEST(a_folder_that_is_missing_is_told)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct store *s;

	ck_assert_int_eq(store_open("/nonexistent/hps.db", &s, &faults),
			 -ENOENT);
	ck_assert_uint_eq(faults.n, 1);
	ck_assert_ptr_nonnull(
	    strstr(faults.faults[0].text, "/nonexistent/hps.db: No such file"));
}
END_TEST

/* --- files that are not ours ------------------------------------------------
 */

static void check_foreign(int answer, const char *words)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *wal = xasprintf("%s-wal", the.path);
	auto_free char *before = NULL;
	auto_free char *after = NULL;
	size_t before_len, after_len;
	struct store *s = NULL;

	before = file_text(the.path, &before_len);
	ck_assert_int_eq(store_open(the.path, &s, &faults), answer);
	ck_assert_ptr_null(s);
	ck_assert_uint_eq(faults.n, 1);
	ck_assert_msg(strstr(faults.faults[0].text, words) != NULL, "%s",
		      faults.faults[0].text);
	after = file_text(the.path, &after_len);
	ck_assert_uint_eq(before_len, after_len);
	ck_assert_mem_eq(before, after, before_len);
	ck_assert_int_ne(access(wal, F_OK), 0);
}

static void write_file(const char *text)
{
	FILE *f = fopen(the.path, "we");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(C11_a_database_of_another_program_is_left_as_it_is)
{
	case_shut();
	unlink(the.path);
	execute("CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	check_foreign(STORE_FOREIGN, "is not a database of hpsd");
	unlink(the.path);
	execute("PRAGMA journal_mode = WAL; PRAGMA application_id = 7;"
		"CREATE TABLE t (a)");
	check_foreign(STORE_FOREIGN, "is not a database of hpsd");
}
END_TEST

START_TEST(C11_a_file_that_is_no_database_is_left_as_it_is)
{
	case_shut();
	write_file("my notes\n");
	check_foreign(STORE_FOREIGN, "is not a database of hpsd");
	write_file("SQLite format 3");
	check_foreign(STORE_FOREIGN, "is not a database of hpsd");
}
END_TEST

START_TEST(C10_a_version_that_cannot_be_is_damage)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct store *s;

	case_shut();
	execute("PRAGMA user_version = -5");
	check_foreign(STORE_DAMAGED, "is damaged: its schema is -5");
	execute("PRAGMA user_version = 0");
	ck_assert_int_eq(store_open(the.path, &s, &faults), STORE_DAMAGED);
	ck_assert_ptr_nonnull(
	    strstr(faults.faults[0].text, "its schema is 0, and it has"));
}
END_TEST

START_TEST(C11_C13_a_newer_database_is_left_as_it_is)
{
	case_shut();
	execute("PRAGMA user_version = 999");
	check_foreign(STORE_NEWER, "its schema is 999, this one knows up to ");
}
END_TEST

/* The newer version is in the WAL alone; neither file may be touched. */
START_TEST(C11_C13_a_newer_database_is_known_by_its_wal_too)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *wal = xasprintf("%s-wal", the.path);
	auto_free char *before = NULL;
	auto_free char *after = NULL;
	size_t before_len, after_len;
	struct store *s = NULL;
	sqlite3 *db;

	case_shut();
	ck_assert_int_eq(sqlite3_open(the.path, &db), 0);
	sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	ck_assert_int_eq(
	    sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL), 0);
	sqlite3_close(db);
	before = file_text(wal, &before_len);
	ck_assert_uint_gt(before_len, 0);
	ck_assert_int_eq(store_open(the.path, &s, &faults), STORE_NEWER);
	after = file_text(wal, &after_len);
	ck_assert_uint_eq(before_len, after_len);
	ck_assert_mem_eq(before, after, before_len);
}
END_TEST

START_TEST(C10_a_damaged_database_is_told_as_such)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct store *s;
	FILE *f;

	case_shut();
	f = fopen(the.path, "r+e");
	ck_assert_ptr_nonnull(f);
	fseek(f, 100, SEEK_SET); /* the b-tree page of the schema */
	for (int i = 0; i < 2000; i++)
		fputc(0x5a, f);
	fclose(f);
	ck_assert_int_eq(store_open(the.path, &s, &faults), STORE_DAMAGED);
	ck_assert_ptr_nonnull(strstr(faults.faults[0].text, the.path));
}
END_TEST

START_TEST(C10_a_column_with_another_name_is_damage)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct store *s;

	case_shut();
	execute("PRAGMA writable_schema = ON;"
		"UPDATE sqlite_schema SET sql = replace(sql, 'started_ms', "
		"'staruld_ms') WHERE name = 'attempt'");
	ck_assert_int_eq(store_open(the.path, &s, &faults), STORE_DAMAGED);
	ck_assert_msg(strstr(faults.faults[0].text,
			     "is damaged: its tables are not those of its "
			     "version: no such column: started_ms") != NULL,
		      "%s", faults.faults[0].text);
}
END_TEST

static int no_trial(void *ctx, const struct trial_record *r)
{
	ck_abort_msg("a trial in no state at all was loaded");
	return 0;
}

START_TEST(a_word_that_cannot_be_is_damage)
{
	struct search_record search = sample_search(1, "digits");
	struct trial_record trial = sample_trial(1, 0);

	case_save_search(&search);
	case_save_trial(&trial);
	execute("PRAGMA ignore_check_constraints = ON;"
		"UPDATE trial SET state = 'asleep'");
	ck_assert_int_eq(store_load_trials(the.s, 1, no_trial, NULL), -EBADMSG);
}
END_TEST

/* --- upgrades ---------------------------------------------------------------
 */

/* What is there, and up to two more: the second one fails. */
static struct embedded *migrations_and(size_t more)
{
	static const struct embedded next[] = {
		{"next.sql",    "ALTER TABLE event ADD COLUMN extra TEXT"  },
		{ "broken.sql", "ALTER TABLE nothing ADD COLUMN extra TEXT"},
	};
	size_t n = (size_t)newest_version();
	struct embedded *list = xcalloc(n + more + 1, sizeof(*list));

	memcpy(list, sql_migrations, n * sizeof(*list));
	memcpy(list + n, next, more * sizeof(*list));
	return list;
}

START_TEST(C12_an_upgrade_copies_the_database_first)
{
	int64_t version = newest_version();
	auto_free char *copy =
	    xasprintf("%s.before-v%lld", the.path, (long long)version + 1);
	auto_free struct embedded *next = migrations_and(1);
	struct search_record r = sample_search(1, "digits");
	struct stat st;

	case_save_search(&r);
	ck_assert_int_eq(db_migrate(the.s, next, sql_views[0].text), 0);
	ck_assert_int_eq(number_of("PRAGMA user_version"), version + 1);
	ck_assert_int_eq(number_of("SELECT count(extra IS NULL) FROM event"),
			 0);
	ck_assert_int_eq(stat(copy, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);

	strcpy(the.path, copy);
	ck_assert_int_eq(number_of("PRAGMA user_version"), newest_version());
	ck_assert_int_eq(number_of("PRAGMA application_id"), DB_APPLICATION_ID);
	ck_assert_int_eq(number_of("SELECT count(*) FROM searches"), 1);
}
END_TEST

START_TEST(C12_a_migration_that_fails_changes_nothing)
{
	auto_free struct embedded *broken = migrations_and(2);

	ck_assert_int_lt(db_migrate(the.s, broken, sql_views[0].text), 0);
	ck_assert_ptr_nonnull(strstr(store_error(the.s), "broken.sql"));
	ck_assert_int_eq(number_of("PRAGMA user_version"), newest_version());
	ck_assert_int_eq(number_of("SELECT count(*) FROM "
				   "pragma_table_info('event') "
				   "WHERE name = 'extra'"),
			 0);
}
END_TEST

/* A database with the tables of version @version alone. */
static void make_version(size_t version)
{
	auto_free char *sql =
	    xasprintf("PRAGMA application_id = %d; PRAGMA user_version = %zu",
		      DB_APPLICATION_ID, version);

	case_shut();
	unlink(the.path);
	execute(sql);
	execute("PRAGMA journal_mode = WAL");
	for (size_t i = 0; i < version; i++)
		execute(sql_migrations[i].text);
}

/* As version 1 left it, with a row in each table. */
static void make_version_1(void)
{
	make_version(1);
	execute(sql_views[0].text);
	execute("DROP VIEW runs");     /* a later one */
	execute("DROP VIEW symptoms"); /* which that version had not */
	execute("INSERT INTO search VALUES (3, 'digits', 'k', 'loss', "
		"'minimize', 'running', '', 60, 1, 1, 1, 'b', 0);"
		"INSERT INTO submission VALUES (3, '{}', '/', '[]');"
		"INSERT INTO trial VALUES (7, 3, 0, 'done', '', 'sampler', 0, "
		"'{\"lr\":1}', 'finite', 0.25, 0.25, 1, 1, 1, 1, 2);"
		"INSERT INTO trial VALUES (8, 3, 1, 'queued', '', 'added', 0, "
		"'{\"lr\":2}', NULL, NULL, NULL, 0, 0, 1, 0, 0);"
		"INSERT INTO attempt VALUES (7, 1, 'ended', 't', 'b', 1, 1, 1, "
		"'', 0, 'exited', 0, 0, 0, 0, '', 1, 1, 1, 2, 0, 0, NULL);"
		"INSERT INTO metric VALUES (7, 1, 'loss', 0, 1, 'finite', "
		"0.25, 0);"
		"INSERT INTO event VALUES (1, 3, 7, 1, 'stop', 'why', NULL)");
	case_open_again();
}

START_TEST(a_database_of_version_1_keeps_its_rows_and_admits_new_origins)
{
	auto_free char *origins = NULL;
	struct trial_record r = sample_trial(3, 2);

	make_version_1();
	ck_assert_int_eq(number_of("PRAGMA user_version"), newest_version());
	origins = case_query("SELECT group_concat(origin) FROM trials");
	ck_assert_str_eq(origins, "sampler,added");
	ck_assert_int_eq(number_of("SELECT count(*) FROM metrics m, attempts "
				   "a, events e, best b WHERE m.trial = 0 AND "
				   "a.trial = 0 AND e.trial = 0 AND "
				   "b.value = 0.25"),
			 1);
	r.origin = ORIGIN_START;
	case_save_trial(&r);
	r = sample_trial(3, 3);
	r.origin = ORIGIN_IMPORTED;
	case_save_trial(&r);
	ck_assert_int_eq(number_of("SELECT count(*) FROM trials"), 4);
	ck_assert_int_eq(number_of("SELECT count(*) FROM symptoms"), 0);
	ck_assert_int_eq(
	    number_of("SELECT count(*) FROM pragma_integrity_check "
		      "WHERE integrity_check <> 'ok'"),
	    0);
	ck_assert_int_eq(
	    number_of("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
END_TEST

/*
 * As version 6 left it. Trial 0 has gone on twice, and its metrics were moved
 * each time; trial 1 began anew when it had failed.
 */
static void make_version_6(void)
{
	make_version(6);
	execute("INSERT INTO search VALUES (3, 'digits', 'k', 'loss', "
		"'minimize', 'running', '', 60, 1, 1, 1, 'b', 0, 0, 0, 0);"
		"INSERT INTO trial (id, search, number, state, reason, origin, "
		"cursor, params, steps, attempts, created_ms, started_ms, "
		"ended_ms, tries) VALUES (7, 3, 0, 'queued', 'paused@2', "
		"'sampler', 0, '{}', 2, 3, 1, 1, 0, 0), (8, 3, 1, 'running', "
		"'', 'sampler', 1, '{}', 1, 2, 1, 1, 0, 2)");
	execute("INSERT INTO attempt (trial, number, state, token, boot_id, "
		"pid, started_ms, started_boot_ms, stop_reason, kill_boot_ms, "
		"outcome, code, signal, core, error, what, user_ms, system_ms, "
		"memory_bytes, ended_ms, start_offset, read_offset) "
		"SELECT trial, number, iif(trial = 8 AND number = 2, 'running',"
		" 'ended'), 't', 'b', 1, 1, 1, '', 0, 'none', 0, 0, 0, 0, '', "
		"0, 0, 0, 0, 0, 0 FROM (SELECT 7 AS trial, 1 AS number UNION "
		"VALUES (7, 2), (7, 3), (8, 1), (8, 2));"
		"INSERT INTO metric VALUES (7, 3, 'loss', 1, 5, 'finite', 0.5, "
		"0), (7, 3, 'loss', 2, 6, 'finite', 0.25, 1), (8, 1, 'loss', "
		"1, 7, 'finite', 3.0, 0), (8, 2, 'loss', 1, 8, 'finite', 2.0, "
		"0)");
	case_open_again();
}

START_TEST(curves_that_version_6_moved_are_there_and_can_be_gone_on_with)
{
	static const char query[] =
	    "SELECT group_concat(trial || ':' || step || ':' || value, ' ') "
	    "FROM (SELECT * FROM metrics ORDER BY trial, step)";
	struct attempt_record next = sample_attempt(7, 4);
	auto_free char *rows = NULL, *later = NULL, *curves = NULL;
	struct trial_record t = sample_trial(3, 0);

	make_version_6();
	rows = case_query(query);
	ck_assert_str_eq(rows, "0:1:0.5 0:2:0.25 1:1:2.0");
	next.curve = 3;
	case_save_attempt(&next);
	t.id = 7;
	t.attempts = 4;
	case_save_trial(&t);
	case_save_metric(7, 3, "loss", 3, 0.125);
	later = case_query(query);
	ck_assert_str_eq(later, "0:1:0.5 0:2:0.25 0:3:0.125 1:1:2.0");
	curves = case_query("SELECT group_concat(curve, ' ') FROM (SELECT curve"
			    " FROM attempt ORDER BY trial, number)");
	ck_assert_str_eq(curves, "1 2 3 3 1 2");
	ck_assert_int_eq(
	    number_of("SELECT count(*) FROM pragma_foreign_key_check"), 0);
}
END_TEST

START_TEST(what_version_7_had_set_going_again_was_so_after_its_last_end)
{
	auto_free char *times = NULL;

	make_version(7);
	execute("INSERT INTO search VALUES "
		"(1, 'never', 'k1', 'loss', 'minimize', 'running', '', 60, 1, "
		"10, 1, 'b', 0, 0, 0, 0), "
		"(2, 'again', 'k2', 'loss', 'minimize', 'running', '', 60, 1, "
		"20, 1, 'b', 0, 0, 0, 1), "
		"(3, 'unknown', 'k3', 'loss', 'minimize', 'running', '', 60, "
		"1, 30, 1, 'b', 0, 0, 0, 1);"
		"INSERT INTO event VALUES (1, 2, NULL, 50, 'end', '', NULL), "
		"(2, 2, NULL, 70, 'end', '', NULL), "
		"(3, 2, NULL, 90, 'other', '', NULL)");
	case_open_again();
	times = case_query("SELECT group_concat(reopened_ms, ' ') FROM "
			   "(SELECT reopened_ms FROM search ORDER BY id)");
	ck_assert_str_eq(times, "0 70 30");
}
END_TEST

START_TEST(changed_views_are_made_anew_at_the_start)
{
	case_shut();
	execute("DROP VIEW best; CREATE VIEW best AS SELECT 1 AS old");
	case_open_again();
	ck_assert_int_eq(number_of("SELECT count(*) FROM "
				   "pragma_table_info('best') "
				   "WHERE name = 'old'"),
			 0);
	ck_assert_int_eq(number_of("SELECT count(*) FROM best"), 0);
}
END_TEST

/* --- others and the disk ----------------------------------------------------
 */

START_TEST(another_program_that_writes_is_waited_for_only_shortly)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(the.path, &db), 0);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
			 0);
	ck_assert_int_eq(store_begin(the.s), -EBUSY);
	ck_assert_ptr_nonnull(strstr(store_error(the.s), "locked"));
	ck_assert_int_eq(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), 0);
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_commit(the.s), 0);
	sqlite3_close(db);
}
END_TEST

/* Saves the search @id; the answer of the first call that failed. */
static int save(int64_t id, const char *name)
{
	struct search_record r = sample_search(id, name);
	int n = store_begin(the.s);

	if (n == 0)
		n = store_save_search(the.s, &r);
	return n == 0 ? store_commit(the.s) : n;
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit = { bytes, RLIM_INFINITY };

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_write_that_fails_can_be_made_again)
{
	signal(SIGXFSZ, SIG_IGN);
	limit_files(4096);
	ck_assert_int_eq(save(1, "digits"), -EIO);
	ck_assert_ptr_nonnull(strstr(store_error(the.s), "disk I/O error"));
	store_rollback(the.s);
	limit_files(RLIM_INFINITY);
	ck_assert_int_eq(save(1, "digits"), 0);
	case_reopen();
	ck_assert_int_eq(number_of("SELECT count(*) FROM searches"), 1);
}
END_TEST

START_TEST(a_full_database_is_told_as_a_full_disk)
{
	int r = 0;

	ck_assert_int_eq(sqlite3_exec(the.s->db, "PRAGMA max_page_count = 1",
				      NULL, NULL, NULL),
			 0);
	for (int i = 1; i < 1000 && r == 0; i++) {
		auto_free char *name = xasprintf("search-%d", i);

		r = save(i, name);
	}
	ck_assert_int_eq(r, -ENOSPC);
	store_rollback(the.s);
}
END_TEST

START_TEST(a_kill_loses_nothing_that_was_committed)
{
	pid_t child;
	int status;

	case_shut();
	child = fork();
	if (child == 0) {
		struct search_record r = sample_search(2, "uncommitted");

		case_open_again();
		if (save(1, "committed") == 0 && store_begin(the.s) == 0 &&
		    store_save_search(the.s, &r) == 0)
			raise(SIGKILL);
		_exit(1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	case_open_again();
	ck_assert_int_eq(number_of("SELECT count(*) FROM searches "
				   "WHERE name = 'committed'"),
			 1);
	ck_assert_int_eq(number_of("SELECT count(*) FROM searches"), 1);
}
END_TEST

START_TEST(a_sync_is_fine_before_and_after_a_checkpoint)
{
	struct search_record r = sample_search(1, "digits");

	ck_assert_int_eq(store_sync(the.s), 0);
	case_save_search(&r);
	ck_assert_int_eq(store_sync(the.s), 0);
	execute("PRAGMA wal_checkpoint(TRUNCATE)");
	ck_assert_int_eq(store_sync(the.s), 0);
	case_save_search(&r);
	ck_assert_int_eq(store_sync(the.s), 0);
}
END_TEST

static void move_away(const char *suffix, bool replace)
{
	auto_free char *path = xasprintf("%s%s", the.path, suffix);
	auto_free char *away = xasprintf("%s.away", path);

	ck_assert_int_eq(rename(path, away), 0);
	if (replace) {
		FILE *f = fopen(path, "we");

		ck_assert_ptr_nonnull(f);
		fclose(f);
	}
	ck_assert_int_eq(store_sync(the.s), -ESTALE);
	ck_assert_int_eq(rename(away, path), 0);
	ck_assert_int_eq(store_sync(the.s), 0);
}

START_TEST(nothing_is_called_safe_in_files_that_were_moved_away)
{
	struct search_record r = sample_search(1, "digits");

	case_save_search(&r);
	move_away("", false);
	move_away("", true);
	move_away("-wal", false);
	move_away("-wal", true);
}
END_TEST

START_TEST(a_shell_reads_while_we_write)
{
	auto_free char *command =
	    xasprintf("sqlite3 -readonly '%s' 'SELECT count(*) FROM searches; "
		      "SELECT count(*) FROM searches'",
		      the.path);
	struct search_record r = sample_search(1, "digits");
	struct search_record unseen = sample_search(2, "unseen");
	char line[32];
	FILE *shell;

	case_save_search(&r);
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_save_search(the.s, &unseen), 0);
	shell = popen(command, "re");
	ck_assert_ptr_nonnull(shell);
	for (int i = 0; i < 2; i++) {
		ck_assert_ptr_nonnull(fgets(line, sizeof(line), shell));
		ck_assert_str_eq(line, "1\n");
	}
	ck_assert_int_eq(pclose(shell), 0);
	ck_assert_int_eq(store_commit(the.s), 0);
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("store_open");
	TCase *tc = tcase_create("open");

	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, a_new_database_says_whose_it_is);
	tcase_add_test(tc,
		       a_first_start_that_was_killed_leaves_no_foreign_file);
	tcase_add_loop_test(tc, only_the_owner_may_read_it_whatever_the_umask,
			    0, 2);
	tcase_add_test(tc, a_start_that_changes_nothing_writes_nothing);
	tcase_add_test(tc, a_close_leaves_no_wal);
	tcase_add_test(tc, a_folder_that_is_missing_is_told);
	suite_add_tcase(s, tc);

	tc = tcase_create("foreign");
	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, C11_a_database_of_another_program_is_left_as_it_is);
	tcase_add_test(tc, C11_a_file_that_is_no_database_is_left_as_it_is);
	tcase_add_test(tc, C10_a_version_that_cannot_be_is_damage);
	tcase_add_test(tc, C11_C13_a_newer_database_is_left_as_it_is);
	tcase_add_test(tc, C11_C13_a_newer_database_is_known_by_its_wal_too);
	tcase_add_test(tc, C10_a_damaged_database_is_told_as_such);
	tcase_add_test(tc, C10_a_column_with_another_name_is_damage);
	tcase_add_test(tc, a_word_that_cannot_be_is_damage);
	suite_add_tcase(s, tc);

	tc = tcase_create("upgrade");
	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, C12_an_upgrade_copies_the_database_first);
	tcase_add_test(tc, C12_a_migration_that_fails_changes_nothing);
	tcase_add_test(
	    tc, a_database_of_version_1_keeps_its_rows_and_admits_new_origins);
	tcase_add_test(
	    tc, curves_that_version_6_moved_are_there_and_can_be_gone_on_with);
	tcase_add_test(
	    tc, what_version_7_had_set_going_again_was_so_after_its_last_end);
	tcase_add_test(tc, changed_views_are_made_anew_at_the_start);
	suite_add_tcase(s, tc);

	tc = tcase_create("others");
	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc,
		       another_program_that_writes_is_waited_for_only_shortly);
	tcase_add_test(tc, a_write_that_fails_can_be_made_again);
	tcase_add_test(tc, a_full_database_is_told_as_a_full_disk);
	tcase_add_test(tc, a_kill_loses_nothing_that_was_committed);
	tcase_add_test(tc, a_sync_is_fine_before_and_after_a_checkpoint);
	tcase_add_test(tc,
		       nothing_is_called_safe_in_files_that_were_moved_away);
	tcase_add_test(tc, a_shell_reads_while_we_write);
	suite_add_tcase(s, tc);
	return s;
}
