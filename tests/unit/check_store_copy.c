#include "check_main.h"
#include "store_case.h"

#include "schema/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIALS 300

static char *beside(const char *name)
{
	return xasprintf("%s/%s", the.folder, name);
}

static struct store *open_reader(struct store_bound *bound)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct store *reader = NULL;

	ck_assert_int_eq(store_open_reader(the.path, bound, &reader, &faults),
			 0);
	return reader;
}

static void fill(void)
{
	struct search_record search = sample_search(1, "digits");

	case_save_search(&search);
	ck_assert_int_eq(store_begin(the.s), 0);
	for (int i = 0; i < TRIALS; i++) {
		struct trial_record trial = sample_trial(1, i);

		ck_assert_int_eq(store_save_trial(the.s, &trial), 0);
	}
	ck_assert_int_eq(store_commit(the.s), 0);
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int64_t wal_bytes(void)
{
	auto_free char *wal = xasprintf("%s-wal", the.path);
	struct stat st;

	ck_assert_int_eq(stat(wal, &st), 0);
	return st.st_size;
}

START_TEST(C14_a_copy_holds_what_was_committed_before_it_began)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *file = beside("copy.db");
	struct store_summary summary;
	struct search_record later = sample_search(2, "later");
	struct store *reader, *copy;
	int64_t before;

	fill();
	before = wal_bytes();
	reader = open_reader(NULL);
	/* The writer is in the middle of a transaction, and is not in its way.
	 */
	ck_assert_int_eq(store_begin(the.s), 0);
	ck_assert_int_eq(store_save_search(the.s, &later), 0);
	ck_assert_int_eq(store_copy(reader, file, false, &summary, &faults), 0);
	store_close(reader);
	ck_assert_int_eq(store_commit(the.s), 0);
	ck_assert_int_eq(summary.searches, 1);
	ck_assert_int_eq(summary.trials, TRIALS);
	/* It has not checkpointed either. */
	ck_assert_int_ge(wal_bytes(), before);
	ck_assert_int_eq(store_open_file(file, NULL, &copy, &faults), 0);
	ck_assert_int_eq(store_check(copy, true, &faults), 0);
	store_close(copy);
}
END_TEST

START_TEST(C14_a_copy_that_is_stopped_leaves_nothing)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *file = beside("copy.db");
	auto_free char *part = beside("copy.db.hpsd-part");
	_Atomic bool stop = true;
	struct store_bound bound = { .stop = &stop };
	struct store_summary summary;
	struct store *reader;

	fill();
	reader = open_reader(&bound);
	ck_assert_int_eq(store_copy(reader, file, false, &summary, &faults),
			 -ECANCELED);
	store_close(reader);
	ck_assert(!is_there(file) && !is_there(part));
}
END_TEST

START_TEST(a_check_ends_when_its_time_is_over)
{
	auto_diag struct diag faults = DIAG_INIT;
	struct store_bound bound = { .until_ms = 1 };
	struct store *reader;

	fill();
	reader = open_reader(&bound);
	ck_assert_int_eq(store_check(reader, true, &faults), -ECANCELED);
	store_close(reader);
}
END_TEST

START_TEST(C14_a_file_that_is_there_is_replaced_only_when_asked)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *file = beside("copy.db");
	auto_free char *link = beside("link.db");
	struct store_summary summary;
	struct store *reader = open_reader(NULL);

	ck_assert_int_eq(store_copy(reader, file, false, &summary, &faults), 0);
	ck_assert_int_eq(store_copy(reader, file, false, &summary, &faults),
			 STORE_EXISTS);
	ck_assert_int_eq(store_copy(reader, file, true, &summary, &faults), 0);
	/* What a name leads to is not what is replaced. */
	ck_assert_int_eq(symlink(the.path, link), 0);
	ck_assert_int_eq(store_copy(reader, link, true, &summary, &faults),
			 STORE_EXISTS);
	ck_assert(is_there(link));
	store_close(reader);
}
END_TEST

START_TEST(C14_attempts_are_listed_with_what_a_restore_asks)
{
	struct search_record search = sample_search(1, "digits");
	struct trial_record trial = sample_trial(1, 7);
	struct attempt_record first = sample_attempt(trial.id, 1);
	struct attempt_record second = sample_attempt(trial.id, 2);
	struct store_attempt *list;
	struct store *reader;
	size_t n;

	first.state = ATTEMPT_ENDED;
	second.state = ATTEMPT_LAUNCHING;
	case_save_search(&search);
	case_save_trial(&trial);
	case_save_attempt(&first);
	case_save_attempt(&second);
	reader = open_reader(NULL);
	ck_assert_int_eq(store_list_attempts(reader, 1, 7, &list, &n), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert_str_eq(list[0].token, first.token);
	ck_assert(!list[0].is_open && !list[0].is_launching);
	ck_assert_int_eq(list[0].offset, first.offset);
	ck_assert(list[1].is_open && list[1].is_launching);
	free(list);
	ck_assert_int_eq(store_list_attempts(reader, 0, -1, &list, &n), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(list[0].search, 1);
	ck_assert_int_eq(list[0].trial, 7);
	ck_assert_int_eq(list[0].number, 2);
	free(list);
	ck_assert_int_eq(store_list_attempts(reader, 1, 8, &list, &n), 0);
	ck_assert_uint_eq(n, 0);
	store_close(reader);
}
END_TEST

START_TEST(C10_a_small_database_is_read_through_at_the_start)
{
	auto_diag struct diag faults = DIAG_INIT;
	FILE *f;

	fill();
	case_shut();
	f = fopen(the.path, "r+e");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fseek(f, 4096, SEEK_SET), 0);
	for (int i = 0; i < 4096; i++)
		fputc(0x5a, f);
	fclose(f);
	ck_assert_int_eq(store_open(the.path, &the.s, &faults), STORE_DAMAGED);
	ck_assert_ptr_nonnull(strstr(faults.faults[0].text, "is damaged"));
	the.s = NULL;
}
END_TEST

static void print_point(void *ctx, int64_t number, int64_t step, double value)
{
	buf_addf(ctx, "%lld@%lld=%g ", (long long)number, (long long)step,
		 value);
}

static char *curves_of(const char *metric, int64_t every)
{
	struct store *reader = open_reader(NULL);
	struct buf b = BUF_INIT;

	ck_assert_int_eq(
	    store_read_curves(reader, 1, metric, every, print_point, &b), 0);
	store_close(reader);
	return buf_take(&b);
}

/*
 * Trials 0 to 4 of search 1 with three attempts each, of which the last goes on
 * with the curve of the one before; 3 is the best.
 */
static void fill_curves(void)
{
	struct search_record search = sample_search(1, "digits");

	case_save_search(&search);
	for (int i = 0; i < 5; i++) {
		struct trial_record trial = sample_trial(1, i);
		struct attempt_record attempt = sample_attempt(trial.id, 1);

		trial.state = TRIAL_DONE;
		trial.has_value = true;
		trial.kind = VALUE_FINITE;
		trial.value = i == 3 ? -9 : i;
		trial.attempts = 3;
		case_save_trial(&trial);
		case_save_attempt(&attempt);
		attempt.number = attempt.curve = 2;
		case_save_attempt(&attempt);
		attempt.number = 3;
		case_save_attempt(&attempt);
		case_save_metric(trial.id, 1, "loss", 1, 99);
		case_save_metric(trial.id, 2, "loss", 2, i + 0.5);
		case_save_metric(trial.id, 2, "loss", 1, i);
		case_save_metric(trial.id, 2, "other", 1, 7);
	}
}

START_TEST(curves_are_those_of_the_latest_attempts_by_step)
{
	auto_free char *text = NULL;

	fill_curves();
	text = curves_of("loss", 1);
	ck_assert_str_eq(text, "0@1=0 0@2=0.5 1@1=1 1@2=1.5 2@1=2 2@2=2.5 "
			       "3@1=3 3@2=3.5 4@1=4 4@2=4.5 ");
}
END_TEST

START_TEST(of_every_so_many_curves_the_best_is_never_left_out)
{
	auto_free char *text = NULL;

	fill_curves();
	text = curves_of("other", 2);
	ck_assert_str_eq(text, "0@1=7 2@1=7 3@1=7 4@1=7 ");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("store_copy");
	TCase *tc = tcase_create("copy");

	tcase_add_checked_fixture(tc, case_open, case_close);
	tcase_add_test(tc, C14_a_copy_holds_what_was_committed_before_it_began);
	tcase_add_test(tc, C14_a_copy_that_is_stopped_leaves_nothing);
	tcase_add_test(tc, a_check_ends_when_its_time_is_over);
	tcase_add_test(tc,
		       C14_a_file_that_is_there_is_replaced_only_when_asked);
	tcase_add_test(tc, C14_attempts_are_listed_with_what_a_restore_asks);
	tcase_add_test(tc, C10_a_small_database_is_read_through_at_the_start);
	tcase_add_test(tc, curves_are_those_of_the_latest_attempts_by_step);
	tcase_add_test(tc, of_every_so_many_curves_the_best_is_never_left_out);
	suite_add_tcase(s, tc);
	return s;
}
