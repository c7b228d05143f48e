#include "check_main.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/reader.h"

#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct search_spec plain = { 0 };

/* Notes each metric as "name@step=value", one a space. */
static void note(void *ctx, const struct metric_record *m)
{
	struct buf *b = ctx;
	char text[JSON_NUMBER_BYTES];

	ck_assert_int_eq(m->kind, value_kind_of(m->value));
	buf_addf(b, "%s%s@%" PRId64 "=%s", b->len > 0 ? " " : "", m->name,
		 m->step, json_number_text(m->value, text));
}

static void check_log(const struct search_spec *spec, const char *log,
		      size_t len, const char *want)
{
	struct reader *r = reader_new(spec);
	auto_buf struct buf got = BUF_INIT;

	reader_finish(r, log, len, note, &got);
	ck_assert_str_eq(buf_text(&got), want);
	reader_free(r);
}

static void reads(const char *log, const char *want)
{
	check_log(&plain, log, strlen(log), want);
}

static void reads_by(const char *pattern, const char *log, const char *want)
{
	auto_free char *copy = xstrdup(pattern);
	char *patterns[] = { copy, NULL };
	const struct search_spec spec = { .patterns = patterns };

	check_log(&spec, log, strlen(log), want);
}

/* Reads @log with a new reader and compares its counts. */
static void counts(const char *log, struct reader_counts want)
{
	struct reader *r = reader_new(&plain);
	auto_buf struct buf got = BUF_INIT;
	const struct reader_counts *c = reader_counts(r);

	reader_finish(r, log, strlen(log), note, &got);
	ck_assert_msg(
	    c->records == want.records && c->metrics == want.metrics &&
		c->repeats == want.repeats && c->truncated == want.truncated &&
		c->rejected == want.rejected,
	    "%s: %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, log,
	    c->records, c->metrics, c->repeats, c->truncated, c->rejected);
	reader_free(r);
}

static void rejects(const char *log, uint64_t n)
{
	counts(log, (struct reader_counts){ .records = 1, .rejected = n });
}

START_TEST(pairs_are_read_anywhere_in_a_line)
{
	reads("epoch 3 | train_loss=0.51 | val_loss: 0.48\n",
	      "train_loss@3=0.51 val_loss@3=0.48");
	reads("loss = 0.5", "loss@0=0.5");
	reads("loss : 0.5", "loss@0=0.5");
	reads("loss:0.5;acc=0.9)", "loss@0=0.5 acc@0=0.9");
	reads("done (loss=0.25), next", "loss@0=0.25");
	reads("eval/acc.top-1=0.5 _x=1", "eval/acc.top-1@0=0.5 _x@0=1");
	reads("a=b=0.5", "b@0=0.5");
	reads("loss=1,acc=2", "loss@0=1 acc@0=2");
}
END_TEST

/* UTF-8: Delta is ce 94, e with an acute accent c3 a9, a square c2 b2. */
START_TEST(G2_a_name_is_never_cut_at_a_letter_beyond_ascii)
{
	reads("epoch=1 loss=0.50 \xce\x94loss=-0.01",
	      "loss@1=0.5 \xce\x94loss@1=-0.01");
	reads("\xc3\xa9"
	      "cart=1 donn\xc3\xa9"
	      "e=2 R\xc2\xb2: 3",
	      "\xc3\xa9"
	      "cart@0=1 donn\xc3\xa9"
	      "e@0=2 R\xc2\xb2@0=3");
	reads("{'\xce\x94step': 1, 'loss': 2}", "\xce\x94step@0=1 loss@0=2");
	reads("\xce\x94"
	      "epoch 3 loss=1",
	      "loss@0=1");
	reads("\xe2\x96\x88\xe2\x96\x88| loss=1", "loss@0=1");
	reads_by("\xce\x94 {\xce\x94loss}", "\xce\x94 1", "\xce\x94loss@0=1");
	/* Latin-1, a half character, one too long by a byte */
	rejects("\xe9"
		"cart=1",
		1);
	rejects("loss\xce=1", 1);
	rejects("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\xce\x94=1",
		1);
}
END_TEST

START_TEST(G3_lines_of_known_tools_are_read)
{
	/* keras */
	reads("Epoch 2/3\n 1/10 [=>....] - ETA: 0s - loss: 0.75\b\b\b\b\r\b\b"
	      "10/10 [=====] - 0s 36ms/step - loss: 0.5 - acc: 0.9\n",
	      "loss@2=0.75 loss@2=0.5 acc@2=0.9");
	/* pytorch-lightning, tqdm */
	reads("Epoch 4: 100%|\xe2\x96\x88| 938/938 [00:05<00:00, 170.00it/s, "
	      "v_num=0, train_loss=0.5]",
	      "v_num@4=0 train_loss@4=0.5");
	/* xgboost */
	reads("[5]\ttrain-rmse:0.5\tval-rmse:0.6\n[6]\ttrain-rmse:0.4",
	      "train-rmse@0=0.5 val-rmse@0=0.6 train-rmse@1=0.4");
	/* lightgbm */
	reads("[1]\ttraining's l2: 0.5\tvalid_0's auc: 0.75",
	      "l2@0=0.5 auc@0=0.75");
	/* scikit-learn */
	reads("Iteration 7, loss = 0.0625", "loss@7=0.0625");
	/* a dict of Python, the Hugging Face trainer */
	reads("{'loss': 0.5, 'learning_rate': 5e-05, 'epoch': 2.0}",
	      "loss@2=0.5 learning_rate@2=5e-05");
	/* PyTorch examples */
	reads("Epoch: [3][  10/5005]\tLoss: 6.5 (7.0)", "Loss@3=6.5");
	/* SMAC, Guild, Syne Tune, libsvm */
	reads("cost=0.5, 0.4; runtime=0.01; status=SUCCESS",
	      "cost@0=0.5 runtime@0=0.01");
	reads("val_loss: 0.5 (step 30)", "val_loss@30=0.5");
	reads("[tune-metric]: {\"loss\": 0.5, \"st_worker_iter\": 1}",
	      "loss@0=0.5 st_worker_iter@0=1");
	reads("Cross Validation Accuracy = 93.5%", "Accuracy@0=93.5");
}
END_TEST

START_TEST(step_names_need_no_sign)
{
	reads("Epoch 3/30 loss=1", "loss@3=1");
	reads("Epoch [3/30] loss=1", "loss@3=1");
	reads("Epoch[ 3 ] loss=1", "loss@3=1");
	reads("STEP 3: loss=1", "loss@3=1");
	reads("iter\t3\tloss=1", "loss@3=1");
	reads("iteration=3 loss=1", "loss@3=1");
	reads("step: 3: loss=1", "loss@3=1");
	reads("step 3.0 loss=1", "loss@3=1");
	reads("step -2 loss=1", "loss@-2=1");
	reads("steps 3 loss=1", "loss@0=1");
	reads("loss 3", "");
}
END_TEST

START_TEST(a_step_holds_for_its_whole_record_and_on)
{
	reads("loss=1 step=5\nloss=2\nacc=3 step=6",
	      "loss@5=1 loss@5=2 acc@6=3");
	reads("{\"loss\": 1, \"epoch\": 4}\nloss=2", "loss@4=1 loss@4=2");
}
END_TEST

START_TEST(the_first_of_several_step_names_counts)
{
	static char tokens[] = "Tokens";
	const struct search_spec spec = { .step_metric = tokens };
	const char *log = "epoch 2 step 700 tokens=9 loss=1";

	reads("epoch 2 step 700 iter 3 loss=1", "loss@700=1");
	reads("{\"step\": 7, \"epoch\": 2, \"loss\": 1}", "loss@7=1");
	reads("{\"epoch\": 2, \"loss\": 1, \"step\": 7}", "loss@7=1");
	check_log(&spec, log, strlen(log), "loss@9=1");
}
END_TEST

START_TEST(G8_without_a_step_each_metric_counts_its_own)
{
	reads("a=1\nb=1\na=2\na=3 b=2", "a@0=1 b@0=1 a@1=2 a@2=3 b@1=2");
}
END_TEST

START_TEST(G8_what_is_no_step_is_rejected)
{
	counts("step=3.5 loss=1", (struct reader_counts){ 1, 1, 0, 0, 1 });
	counts("step=nan loss=1", (struct reader_counts){ 1, 1, 0, 0, 1 });
	counts("step=1e300 loss=1", (struct reader_counts){ 1, 1, 0, 0, 1 });
	counts("Epoch 1_000 loss=1", (struct reader_counts){ 1, 1, 0, 0, 1 });
	counts("step size loss=1", (struct reader_counts){ 1, 1, 0, 0, 0 });
	counts("step=3.5 loss=1\nstep=4 loss=1",
	       (struct reader_counts){ 2, 2, 0, 0, 1 });
	reads("step 3 x=1\nstep 3.5 x=2", "x@3=1 x@4=2");
}
END_TEST

/* As the Hugging Face trainer prints them: every tenth of them is whole. */
START_TEST(G8_of_fractional_epochs_every_value_is_kept_and_in_order)
{
	auto_buf struct buf log = BUF_INIT, want = BUF_INIT;

	for (int i = 1; i <= 30; i++) {
		buf_addf(&log, "{'eval_loss': %d, 'epoch': %d.%d}\n", i, i / 10,
			 i % 10);
		buf_addf(&want, "%seval_loss@%d=%d", i > 1 ? " " : "", i - 1,
			 i);
	}
	reads(buf_text(&log), buf_text(&want));
	reads("{\"x\": 1, \"epoch\": 1}\n{\"x\": 2, \"epoch\": 1.5}\n"
	      "{\"x\": 3, \"epoch\": 2}\nx=4",
	      "x@1=1 x@2=2 x@3=3 x@4=4");
	reads_by("epoch {epoch} loss {x}",
		 "epoch 7 loss 1\nepoch 7.5 loss 2\nepoch 8 loss 3",
		 "x@7=1 x@8=2 x@9=3");
}
END_TEST

START_TEST(G8_what_can_be_no_step_ends_a_step_name_and_what_it_gave)
{
	reads("step=7 x=1\nstep=nan x=2\nstep=8 x=3", "x@7=1 x@8=2 x@9=3");
	reads("x=1\nepoch=0.5 x=2", "x@0=1 x@1=2");
	reads("step=7 x=1 y=1\nstep=1720000000123456789 x=2\nx=3 y=2 z=1",
	      "x@7=1 y@7=1 x@8=2 x@9=3 y@8=2 z@0=1");
	reads("step=-7 x=1\nstep=-7.5 x=2", "x@-7=1 x@-6=2");
	reads("Step 999: x=1\nStep 1,000: x=2\nStep 1,001: x=3",
	      "x@999=1 x@1000=2 x@1001=3");
	reads("step 999 x=1\nstep 1_000 x=2", "x@999=1 x@1000=2");
	/* What is no number at all says nothing of the others. */
	reads("epoch 3 x=1\nEpoch 3... done\nepoch: None x=2\nepoch 4 x=3",
	      "x@3=1 x@3=2 x@4=3");
}
END_TEST

/* Else the last value would be found below the highest step, as an old one. */
START_TEST(G8_values_are_counted_on_from_the_highest_step)
{
	reads("step=5 x=1\nstep=3 x=2\nstep=3.5 x=3\nstep=4 x=4",
	      "x@5=1 x@3=2 x@6=3 x@7=4");
}
END_TEST

START_TEST(G8_another_step_name_of_the_record_goes_on_giving_steps)
{
	static char epoch[] = "epoch";
	const struct search_spec spec = { .step_metric = epoch };
	const char *log = "epoch: 0.31, step: 500, x: 1\n"
			  "step: 510, epoch: 1.0, x: 2\nx: 3";

	reads(log, "x@500=1 x@510=2 x@510=3");
	check_log(&spec, log, strlen(log), "x@500=1 x@510=2 x@510=3");
	reads("step 5 epoch 1 x=1\nepoch 1 x=2 step 5.5", "x@5=1 x@1=2");
	/* The seconds of an iteration, within an epoch. */
	reads("epoch 2 x=1\niter 0.05 x=2\nepoch 3 x=3", "x@2=1 x@2=2 x@3=3");
}
END_TEST

/* A line of settings says nothing of the loss. */
START_TEST(G8_a_step_name_ends_for_the_metrics_beside_it_alone)
{
	reads("config: lr=0.1 step=0.5\nstep 100 x=1\nstep 200 x=2",
	      "lr@0=0.1 x@100=1 x@200=2");
	reads("{'loss': 1, 'epoch': 0.5}\n{'eval': 2, 'epoch': 1.0}\n"
	      "{'loss': 3, 'epoch': 1.5}\n{'eval': 4, 'epoch': 2.0}",
	      "loss@0=1 eval@1=2 loss@1=3 eval@2=4");
	/* On a line of its own it is beside those that come under it. */
	reads("epoch 1\nx=1\nepoch 1.5\nx=2\nepoch 2\nx=3 y=1\nepoch 3\ny=2",
	      "x@1=1 x@2=2 x@3=3 y@2=1 y@3=2");
}
END_TEST

START_TEST(G8_a_step_name_that_ends_is_told_once)
{
	static char loss[] = "loss";
	const struct search_spec spec = { .metric = loss };
	struct reader *r = reader_new(&spec);
	auto_buf struct buf got = BUF_INIT, state = BUF_INIT;
	const char *log = "\nepoch 2 loss=1\r\niter 0.5 loss=2\nepoch 2.2 x=1\n"
			  "epoch 2.5 loss=3\nepoch 2.6 step 1,000\n"
			  "epoch 3.5 loss=4";

	reader_finish(r, log, strlen(log), note, &got);
	ck_assert_ptr_nonnull(reader_note(r));
	ck_assert_uint_eq(reader_note(r)->line, 5);
	ck_assert_ptr_nonnull(strstr(reader_note(r)->words,
				     "\"epoch\" gives loss no step from here "
				     "on: 2.5 is no whole number"));
	reader_save(r, &state);
	ck_assert_ptr_nonnull(
	    strstr(buf_text(&state), "\"loss\":[4,4,[\"epoch\",\"iter\"]]"));
	ck_assert_int_eq(reader_load(r, buf_text(&state)), 0);
	reader_finish(r, "epoch 5.5 loss=5", 16, note, &got);
	ck_assert_ptr_null(reader_note(r));
	reader_free(r);
}
END_TEST

START_TEST(G8_signs_beyond_ascii_are_no_part_of_a_name)
{
	reads("\xe2\x94\x82loss=0.5 \xe2\x94\x82 \xe2\x9c\x93"
	      "acc=1",
	      "loss@0=0.5 acc@0=1");
	reads("\xc2\xa0loss: 0.5 \xf0\x9f\x9a\x80y=1", "loss@0=0.5 y@0=1");
	reads("R\xc2\xb2=0.5 \xc3\x97x=1", "R\xc2\xb2@0=0.5 x@0=1");
	/* What is no letter is no blank either, to end a number. */
	counts("x=1\xc3\x97"
	       "10",
	       (struct reader_counts){ 1, 0, 0, 0, 1 });
}
END_TEST

/* It did not say which name had given the step, which so does not hold. */
START_TEST(G5_a_state_of_an_earlier_version_is_read)
{
	struct reader *r = reader_new(&plain);
	auto_buf struct buf got = BUF_INIT;

	ck_assert_int_eq(reader_load(r, "{\"counts\":[1,1,0,0,0],\"step\":7,"
					"\"metrics\":{\"x\":7}}"),
			 0);
	reader_finish(r, "x=1\nstep=7.5 x=2", 16, note, &got);
	ck_assert_str_eq(buf_text(&got), "x@8=1 x@9=2");
	reader_free(r);
}
END_TEST

START_TEST(a_json_object_gives_its_numbers)
{
	reads(" {\"loss\": 0.5, \"n\": -3, \"e\": 1E+2}\t\n",
	      "loss@0=0.5 n@0=-3 e@0=100");
	reads("{\"a\": NaN, \"b\": Infinity, \"c\": -Infinity}",
	      "a@0=nan b@0=inf c@0=-inf");
	reads(
	    "{\"a\": \"1\", \"b\": true, \"c\": null, \"d\": [1, {\"e\": 2}], "
	    "\"f\": {\"g\": 3}, \"h\": 4}",
	    "h@0=4");
	reads("{\"msg\": \"loss=0.5 step=7\", \"x\": 1}", "x@0=1");
	reads("{\"val loss\": 1, \"\\u00e9\\ud83d\\ude00\": 2, \"a\\/b\": 3}",
	      "val loss@0=1 \xc3\xa9\xf0\x9f\x98\x80@0=2 a/b@0=3");
	reads("{\"st\\u0065p\": 8, \"x\": 1}", "x@8=1");
	reads("{}", "");
}
END_TEST

START_TEST(what_is_not_quite_json_is_read_as_pairs)
{
	reads("{\"loss\": 0.5,}", "loss@0=0.5");
	reads("{\"loss\": 0.5} and more", "loss@0=0.5");
	reads("{\"loss\": 007}", "loss@0=7");
	reads("{\"loss\": 0.5, \"s\": \"\\x\"}", "loss@0=0.5");
	reads("{\"loss\": 0.5", "loss@0=0.5");
	reads("[{\"loss\": 0.5}]", "loss@0=0.5");
}
END_TEST

START_TEST(json_nests_to_the_limit_and_no_deeper)
{
	auto_buf struct buf b = BUF_INIT;

	for (int depth = LIMIT_JSON_DEPTH; depth <= 30000; depth *= 20) {
		buf_clear(&b);
		buf_adds(&b, "{\"x\":1,\"a\":");
		for (int i = 1; i < depth; i++)
			buf_addc(&b, '[');
		for (int i = 1; i < depth; i++)
			buf_addc(&b, ']');
		buf_adds(&b, ",\"b\":{\"c\":3}}");
		reads(buf_text(&b),
		      depth == LIMIT_JSON_DEPTH ? "x@0=1" : "x@0=1 c@0=3");
	}
}
END_TEST

START_TEST(a_name_that_nobody_can_show_is_rejected)
{
	rejects("{\"\": 1}", 1);
	rejects("{\"a\\nb\": 1}", 1);
	rejects("{\"a\xff\": 1}", 1);
	rejects("{\"\\ud800\": 1}", 1);
	rejects("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyz=1",
		1);
	reads("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy=1",
	      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	      "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy@0=1");
}
END_TEST

START_TEST(G7_half_numbers_are_rejected_and_counted)
{
	rejects("loss=1,5", 1);
	rejects("loss=1_000", 1);
	rejects("loss=1e", 1);
	rejects("loss=0x1", 1);
	rejects("loss=1.2.3", 1);
	rejects("loss=12ms", 1);
	rejects("loss=None", 1);
	rejects("loss='0.5'", 1);
	rejects("loss: 1,5", 1);
	rejects("INFO: started", 0);
}
END_TEST

START_TEST(G9_times_and_addresses_are_no_metrics)
{
	reads("12:30:05 starting", "");
	reads("2024-01-01T12:30:05 ETA: 0:05 eta 00:05", "");
	reads("http://x:80 https://host.org:8080/a", "");
	reads("train.py:12: UserWarning", "");
}
END_TEST

START_TEST(G7_values_that_are_not_finite_keep_their_kind)
{
	reads("a=nan b=-INF c=Infinity d=1e400 e=-1e400 f=1e-400",
	      "a@0=nan b@0=-inf c@0=inf d@0=inf e@0=-inf f@0=0");
}
END_TEST

START_TEST(G2_G3_records_end_with_lf_or_cr)
{
	reads("a=1\rb=2\r\nc=3\n\n\rd=4", "a@0=1 b@0=2 c@0=3 d@0=4");
	counts("a=1\r\n \t\n\r\na=2",
	       (struct reader_counts){ .records = 2, .metrics = 2 });
}
END_TEST

START_TEST(G3_escape_sequences_vanish)
{
	reads("\x1b[1;32mloss\x1b[0m=\x1b[1m0.5\x1b[0m", "loss@0=0.5");
	reads("\x1b]0;title x=9\alo\x1b]8;;http://u\x1b\\ss=1", "loss@0=1");
	reads("\x1b(Bloss=1\x1b[K", "loss@0=1");
	reads("loss=1 \x1b]0;never ended a=2", "loss@0=1");
	reads("a=1 \x1b", "a@0=1");
	reads("a=1 \x1b[", "a@0=1");
	reads("\x1b[2K{\"a\": 1}", "a@0=1");
}
END_TEST

START_TEST(G2_binary_bytes_and_byte_order_marks_do_no_harm)
{
	static const char zeros[] = "\0\0a=1\0 b=2 \0c=3\n\0";

	check_log(&plain, zeros, sizeof(zeros) - 1, "b@0=2 c@0=3");
	reads("\xef\xbb\xbf{\"a\": 1}", "a@0=1");
	reads("\xef\xbb\xbf"
	      "a=1",
	      "a@0=1");
	reads("\xff\xfe a=1 \xc3\xa9=2 \x80z=3", "a@0=1 \xc3\xa9@0=2");
}
END_TEST

START_TEST(G9_patterns_replace_pairs_but_not_json)
{
	reads_by("Accuracy = {accuracy}%",
		 "x=1\nCross Validation Accuracy = 93.5%\n{\"x\": 2}",
		 "accuracy@0=93.5 x@0=2");
	reads_by("epoch {epoch} loss {loss}", "epoch 3  loss\t0.5",
		 "loss@3=0.5");
	reads_by("acc:{a}%", "acc:  5.5% acc:10%", "a@0=5.5 a@1=10");
	reads_by("{{{a}, {b}}", "x {1, 2} {3, 4", "a@0=1 b@0=2");
	reads_by("{loss}", "0.5\n-1e3\nv1.2", "loss@0=0.5 loss@1=-1000");
	reads_by("{a},{b}", "1,5", "a@0=1 b@0=5");
}
END_TEST

START_TEST(a_pattern_takes_no_half_number)
{
	reads_by("loss {x}", "loss 1,5\nloss 1_000\nloss 1e\nloss 2", "x@0=2");
	reads_by("{x}%", "1,5% a7% 8%", "x@0=8");
}
END_TEST

static void pattern_fault(const char *pattern, const char *want)
{
	auto_diag struct diag d = DIAG_INIT;

	reader_check_pattern(pattern, NULL, NULL, "metric.patterns[0]", &d);
	if (want == NULL) {
		ck_assert_uint_eq(d.n, 0);
		return;
	}
	ck_assert_uint_eq(d.n, 1);
	ck_assert_str_eq(d.faults[0].path, "metric.patterns[0]");
	ck_assert_msg(strstr(d.faults[0].text, want) != NULL, "%s",
		      d.faults[0].text);
}

START_TEST(a_faulty_pattern_is_told_what_is_wrong)
{
	pattern_fault("loss = {loss}", NULL);
	pattern_fault("{{}} {a}}", NULL);
	pattern_fault("{a} {b}", NULL);
	pattern_fault("", "without a hole");
	pattern_fault("loss {{x}", "without a hole");
	pattern_fault("loss {}", "an empty hole");
	pattern_fault("loss {x", "is not closed");
	pattern_fault("{a}{b}", "nothing between {a} and {b}");
	pattern_fault("{a} {a}", "{a} stands twice");
	pattern_fault("{9a}", "{9a} names no metric");
	pattern_fault("{a b}", "names no metric");
	pattern_fault("top1{a}", "a digit beside {a}");
	pattern_fault("{a}0%", "a digit beside {a}");
}
END_TEST

START_TEST(G8_steps_go_from_minus_to_plus_2_to_the_53)
{
	reads("step=9007199254740992 a=1\nstep=-9007199254740992 a=2",
	      "a@9007199254740992=1 a@-9007199254740992=2");
	counts("step=9007199254740994 a=1",
	       (struct reader_counts){ 1, 1, 0, 0, 1 });
	counts("step=-1e17 a=1", (struct reader_counts){ 1, 1, 0, 0, 1 });
	counts("step=9223372036854775808 a=1",
	       (struct reader_counts){ 1, 1, 0, 0, 1 });
}
END_TEST

START_TEST(G8_steps_may_go_back_and_leave_some_out)
{
	reads("step=5 a=1\nstep=3 a=2\nstep=900 a=3\nstep=-1 a=4",
	      "a@5=1 a@3=2 a@900=3 a@-1=4");
}
END_TEST

START_TEST(G8_a_repeat_is_handed_on_and_counted)
{
	counts(
	    "step=1 a=1\na=2\nb=1\na=3\nstep=2 a=4\nstep=1 a=5",
	    (struct reader_counts){ .records = 6, .metrics = 6, .repeats = 2 });
	counts("a=1\na=2",
	       (struct reader_counts){ .records = 2, .metrics = 2 });
}
END_TEST

START_TEST(only_so_many_metrics_are_tracked)
{
	struct reader *r = reader_new(&plain);
	auto_buf struct buf log = BUF_INIT, got = BUF_INIT, state = BUF_INIT;

	for (int i = 0; i < LIMIT_METRICS + 7; i++)
		buf_addf(&log, "m%d=1\n", i);
	buf_adds(&log, "m0=2\n");
	reader_finish(r, log.data, log.len, note, &got);
	ck_assert_uint_eq(reader_counts(r)->metrics, LIMIT_METRICS + 1);
	ck_assert_uint_eq(reader_counts(r)->rejected, 7);
	reader_save(r, &state);
	ck_assert_int_eq(reader_load(r, buf_text(&state)), 0);
	reader_free(r);
}
END_TEST

START_TEST(G4_of_a_longer_record_the_beginning_is_read)
{
	auto_buf struct buf log = BUF_INIT;
	struct reader *r = reader_new(&plain);
	auto_buf struct buf got = BUF_INIT;

	/* "b=" stands so that its value is cut: half of it is no value. */
	buf_adds(&log, "a=1 ");
	while (log.len < LIMIT_LINE_BYTES - 4)
		buf_addc(&log, '.');
	buf_adds(&log, " b=123 c=5\nd=6 ");
	reader_finish(r, log.data, log.len, note, &got);
	ck_assert_str_eq(buf_text(&got), "a@0=1 d@0=6");
	ck_assert_uint_eq(reader_counts(r)->truncated, 1);
	ck_assert_uint_eq(reader_counts(r)->records, 2);
	reader_free(r);
}
END_TEST

START_TEST(G4_a_record_that_never_ends_is_consumed)
{
	struct reader *r = reader_new(&plain);
	auto_buf struct buf got = BUF_INIT, log = BUF_INIT;
	size_t total = 0;

	while (log.len <= LIMIT_LINE_BYTES)
		buf_adds(&log, "x=1 ");
	ck_assert_uint_eq(
	    reader_feed(r, log.data, LIMIT_LINE_BYTES, note, &got), 0);
	for (int i = 0; i < 100; i++)
		total += reader_feed(r, log.data, log.len, note, &got);
	ck_assert_uint_eq(total, 100 * log.len);
	ck_assert_uint_eq(reader_counts(r)->truncated, 1);
	ck_assert_uint_eq(reader_feed(r, "y=1 \nz=2\n", 9, note, &got), 9);
	ck_assert_str_eq(got.data + got.len - 6, " z@0=2");
	reader_free(r);
}
END_TEST

/* Something of everything, with every kind of record end. */
static const char corpus[] =
    "\xef\xbb\xbf"
    "start a=1\r\nEpoch 1/3: loss=0.5 acc: 0.25\r"
    " 50%|# | 1/2 [00:01<00:01, loss=0.4]\r\x1b[2K100%|##| loss=0.3\n"
    "{\"loss\": 0.25, \"step\": 2, \"st\\u0065p\": 3, \"s\": [1, {}]}\n"
    "{\"m n\": NaN, \"\\u00e9\": 1e3} \n\nx=1,5 y=1_000 z=inf\n"
    "\x1b]0;t\x1b\\{'loss': 0.5, 'epoch': 1.5}\0k=1 l=2\r\n\r\n"
    "step 4 a=1 iter 0.5\nstep 2 a=2\nstep 2,000 a=3 b=1\nstep 2 a=4 b=2\n"
    "[5]\ttrain-rmse:0.5\tval-rmse:0.6\nCross Accuracy = 93.5%\n"
    "\xff\xc3 iter 9 loss=-inf)\nacc 12.5% loss 0.125 last=7 acc 5";

/*
 * Reads the corpus in two parts and, where @reload, goes on after the first
 * with another reader that knows only the saved state.
 */
static void read_split(const struct search_spec *spec, size_t at, bool reload,
		       struct buf *ret_got)
{
	struct reader *r = reader_new(spec);
	size_t len = sizeof(corpus) - 1;
	size_t used = reader_feed(r, corpus, at, note, ret_got);
	auto_buf struct buf state = BUF_INIT, again = BUF_INIT;

	ck_assert_uint_le(used, at);
	if (reload) {
		reader_save(r, &state);
		reader_free(r);
		r = reader_new(spec);
		ck_assert_int_eq(reader_load(r, buf_text(&state)), 0);
		reader_save(r, &again);
		ck_assert_str_eq(buf_text(&again), buf_text(&state));
	}
	reader_finish(r, corpus + used, len - used, note, ret_got);
	reader_save(r, ret_got);
	reader_free(r);
}

START_TEST(G5_splitting_the_input_at_any_byte_changes_nothing)
{
	static char acc[] = "acc {acc}", v[] = "={v}", x[] = "x";
	static char *patterns[] = { acc, v, NULL };
	const struct search_spec specs[] = { { 0 },
					     { .patterns = patterns },
					     { .step_metric = x } };

	for (size_t k = 0; k < sizeof(specs) / sizeof(specs[0]); k++) {
		auto_buf struct buf whole = BUF_INIT;

		read_split(&specs[k], 0, false, &whole);
		ck_assert_uint_gt(whole.len, 100);
		for (size_t at = 1; at < 2 * sizeof(corpus) - 1; at++) {
			auto_buf struct buf got = BUF_INIT;

			read_split(&specs[k], at / 2, at % 2 == 1, &got);
			ck_assert_str_eq(buf_text(&got), buf_text(&whole));
		}
	}
}
END_TEST

START_TEST(G5_half_a_record_waits_for_its_end)
{
	struct reader *r = reader_new(&plain);
	auto_buf struct buf got = BUF_INIT;

	ck_assert_uint_eq(reader_feed(r, "a=1\nloss=0.2", 12, note, &got), 4);
	ck_assert_str_eq(buf_text(&got), "a@0=1");
	ck_assert_uint_eq(reader_feed(r, "loss=0.2", 8, note, &got), 0);
	ck_assert_uint_eq(reader_feed(r, "loss=0.25", 9, note, &got), 0);
	ck_assert_uint_eq(reader_counts(r)->records, 1);
	/* The exit is seen: now it is a record. */
	reader_finish(r, "loss=0.25", 9, note, &got);
	ck_assert_str_eq(buf_text(&got), "a@0=1 loss@0=0.25");
	reader_free(r);
}
END_TEST

START_TEST(G4_G5_splitting_around_the_limit_changes_nothing)
{
	for (size_t extra = 0; extra < 3; extra++) {
		auto_buf struct buf log = BUF_INIT, want = BUF_INIT;

		while (log.len < LIMIT_LINE_BYTES - 4 + extra)
			buf_addc(&log, '.');
		buf_adds(&log, " a=1\nb=2\n");
		for (size_t at = LIMIT_LINE_BYTES - 3; at <= log.len; at++) {
			struct reader *r = reader_new(&plain);
			auto_buf struct buf got = BUF_INIT, state = BUF_INIT;
			size_t used = reader_feed(r, log.data, at, note, &got);

			reader_save(r, &state);
			ck_assert_int_eq(reader_load(r, buf_text(&state)), 0);
			reader_finish(r, log.data + used, log.len - used, note,
				      &got);
			reader_save(r, &got);
			if (want.len == 0)
				buf_adds(&want, buf_text(&got));
			ck_assert_str_eq(buf_text(&got), buf_text(&want));
			reader_free(r);
		}
	}
}
END_TEST

START_TEST(a_broken_state_is_refused_and_leaves_a_new_reader)
{
	static const char *const broken[] = {
		"",
		"[]",
		"{",
		"{}",
		"{\"counts\":[0,0,0,0,0]}",
		"{\"counts\":[0,0,0,0],\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,-1],\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"a\":1.5}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"a\":\"1\"}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"\":1}}",
		"{\"counts\":[0,0,0,0,0],\"steps\":[],\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"a\":[1]}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"a\":[2,1,[]]}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"a\":[1,\"2\",[]]}}",
		"{\"counts\":[0,0,0,0,0],\"ended\":{},\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,0],\"ended\":[1],\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,0],\"metrics\":{\"a\":[1,2,[\"b\"]]}}",
		"{\"counts\":[0,0,0,0,0],\"steps\":{\"a\":1},"
		"\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,9223372036854775807],\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,0],\"steps\":{\"step\":"
		"-9223372036854775807},\"metrics\":{}}",
		"{\"counts\":[0,0,0,0,0],"
		"\"metrics\":{\"a\":9223372036854775807}}",
	};
	struct reader *r = reader_new(&plain);
	auto_buf struct buf fresh = BUF_INIT, got = BUF_INIT;

	reader_save(r, &fresh);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		auto_buf struct buf state = BUF_INIT;

		reader_finish(r, "step=3 a=1", 10, note, &got);
		ck_assert_int_eq(reader_load(r, broken[i]), 1);
		reader_save(r, &state);
		ck_assert_str_eq(buf_text(&state), buf_text(&fresh));
	}
	reader_free(r);
}
END_TEST

START_TEST(a_state_with_too_many_metrics_is_refused)
{
	struct reader *r = reader_new(&plain);
	auto_buf struct buf state = BUF_INIT;

	buf_adds(&state, "{\"counts\":[0,0,0,0,0],\"metrics\":{\"m\":0");
	for (int i = 0; i < LIMIT_METRICS; i++)
		buf_addf(&state, ",\"m%d\":0", i);
	buf_adds(&state, "}}");
	ck_assert_int_eq(reader_load(r, buf_text(&state)), 1);
	reader_free(r);
}
END_TEST

/* Others take all places but one. */
START_TEST(the_objective_may_come_before_the_last_of_the_metrics)
{
	static char loss[] = "loss";
	const struct search_spec spec = { .metric = loss };
	struct reader *r = reader_new(&spec);
	auto_buf struct buf log = BUF_INIT, got = BUF_INIT;

	buf_adds(&log, "loss=1\n");
	for (int i = 0; i < LIMIT_METRICS; i++)
		buf_addf(&log, "m%d=1\n", i);
	reader_finish(r, log.data, log.len, note, &got);
	ck_assert_uint_eq(reader_counts(r)->metrics, LIMIT_METRICS);
	ck_assert_uint_eq(reader_counts(r)->rejected, 1);
	reader_free(r);
}
END_TEST

/* What comes behind the colon decides, and it is not known. */
START_TEST(G4_a_step_cut_behind_its_colon_is_no_step)
{
	auto_buf struct buf log = BUF_INIT, got = BUF_INIT;
	struct reader *r = reader_new(&plain);

	buf_adds(&log, "a=1 ");
	while (log.len < LIMIT_LINE_BYTES - 8)
		buf_addc(&log, '.');
	buf_adds(&log, " step 5: b=1\n");
	reader_finish(r, log.data, log.len, note, &got);
	ck_assert_str_eq(buf_text(&got), "a@0=1");
	ck_assert_uint_eq(reader_counts(r)->truncated, 1);
	reader_free(r);
}
END_TEST

START_TEST(a_refused_state_leaves_the_objective_its_place)
{
	static char loss[] = "loss";
	const struct search_spec spec = { .metric = loss };
	struct reader *r = reader_new(&spec);
	auto_buf struct buf log = BUF_INIT, got = BUF_INIT;

	reader_finish(r, "loss=1", 6, note, &got);
	ck_assert_int_eq(reader_load(r, ""), 1);
	for (int i = 0; i < LIMIT_METRICS; i++)
		buf_addf(&log, "m%d=1\n", i);
	buf_adds(&log, "loss=2\n");
	buf_clear(&got);
	reader_finish(r, log.data, log.len, note, &got);
	ck_assert_uint_eq(reader_counts(r)->rejected, 1);
	ck_assert_ptr_nonnull(strstr(buf_text(&got), " loss@0=2"));
	reader_free(r);
}
END_TEST

static bool number(const char *text, double *ret_v)
{
	return reader_number(text, strlen(text), ret_v);
}

START_TEST(G8_step_takes_whole_numbers_alone)
{
	ck_assert(reader_takes("step", 7));
	ck_assert(reader_takes("Step", -9007199254740992.0));
	ck_assert(!reader_takes("step", 5.5));
	ck_assert(!reader_takes("STEP", 9007199254740994.0));
	ck_assert(!reader_takes("step", (double)NAN));
	/* Another one may be beside it. */
	ck_assert(reader_takes("epoch", 5.5));
	ck_assert(reader_takes("loss", 5.5));
	ck_assert(reader_takes("step_size", 5.5));
}
END_TEST

START_TEST(G7_numbers_follow_the_grammar)
{
	static const char *const good[] = { "0",    "-0",      "+1",   "007",
					    "1.5",  ".5",      "5.",   "1e5",
					    "1E-5", "nan",     "-NaN", "+inf",
					    "1e+5", "INFINITY" };
	static const char *const bad[] = {
		"",    "+",    "-",    ".",   "e5",   "1e",    "1e+",
		"1,5", "1_0",  "0x1",  "1 ",  " 1",   "1.2.3", "--1",
		"in",  "nan1", "infi", "1d5", "1e5.", "1f",    "\xd9\xa1"
	};
	double v;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(number(good[i], &v), "%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!number(bad[i], &v), "%s", bad[i]);
	ck_assert(number("1e400", &v) && v == (double)INFINITY);
	ck_assert(number("-1e400", &v) && v == -(double)INFINITY);
	ck_assert(number("-nan", &v) && isnan(v));
	ck_assert(reader_number("1.5", 2, &v) && v == 1.0);
}
END_TEST

START_TEST(G7_numbers_read_back_as_they_were_printed)
{
	uint64_t state = 42;

	for (int i = 0; i < 20000; i++) {
		char text[64];
		double v, back;

		state = state * 6364136223846793005u + 1442695040888963407u;
		memcpy(&v, &state, sizeof(v));
		if (!isfinite(v))
			continue;
		snprintf(text, sizeof(text), "%.17g", v);
		ck_assert(number(text, &back));
		ck_assert_msg(v == back, "%s", text);
	}
}
END_TEST

/* One that writes 1,5: installed, or else made in @dir. NULL: neither. */
static const char *set_comma_locale(const char *dir)
{
	auto_free char *make = xasprintf(
	    "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>%s/errors", dir, dir);
	const char *name = setlocale(LC_ALL, "de_DE.UTF-8");

	if (name != NULL || system(make) != 0)
		return name;
	setenv("LOCPATH", dir, 1);
	return setlocale(LC_ALL, "de_DE.UTF-8");
}

START_TEST(G7_the_locale_changes_no_number)
{
	char dir[] = "/tmp/hpsd-locale.XXXXXX";
	auto_free char *remove = NULL;
	const char *name;
	double v;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	remove = xasprintf("rm -r %s", dir);
	name = set_comma_locale(dir);
	ck_assert_int_eq(system(remove), 0);
	if (name == NULL) {
		(void)fputs("no locale with a decimal comma\n", stderr);
		return;
	}
	ck_assert_str_eq(localeconv()->decimal_point, ",");
	ck_assert(number("1.5", &v));
	ck_assert_double_eq(v, 1.5);
	ck_assert(!number("1,5", &v));
	reads("a=1.5 b=2,5 c=.25", "a@0=1.5 c@0=0.25");
	(void)setlocale(LC_ALL, "C");
}
END_TEST

START_TEST(G11_hostile_records_take_linear_time)
{
	static const char *const units[] = {
		"1",     " ",        "a=",     "a ",      "step ",
		"\x1b]", "\x1b[",    "[",      "{\"",     "\"",
		"'",     "e1",       "1.",     "-",       "acc ",
		"loss",  "{\"a\":[", "step [", "\xce\x94"
	};
	static char a[] = "acc {acc} {b}", b[] = "-{v}-{w}", c[] = " {x} ;";
	static char d[] = "{y}%", e[] = "e{z}e";
	static char *patterns[] = { a, b, c, d, e, NULL };
	const struct search_spec spec = { .patterns = patterns };

	/* Quadratic reading would take minutes: the test's limit ends it. */
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		auto_buf struct buf log = BUF_INIT, got = BUF_INIT;
		struct reader *r = reader_new(&plain);
		struct reader *p = reader_new(&spec);

		while (log.len < LIMIT_LINE_BYTES - 8)
			buf_adds(&log, units[i]);
		for (int k = 0; k < 20; k++) {
			reader_finish(r, log.data, log.len, note, &got);
			reader_finish(p, log.data, log.len, note, &got);
			buf_clear(&got);
		}
		ck_assert_uint_eq(reader_counts(p)->truncated, 0);
		reader_free(r);
		reader_free(p);
	}
}
END_TEST

static TCase *rules(void)
{
	TCase *tc = tcase_create("rules");

	tcase_add_test(tc, pairs_are_read_anywhere_in_a_line);
	tcase_add_test(tc, G2_a_name_is_never_cut_at_a_letter_beyond_ascii);
	tcase_add_test(tc, G3_lines_of_known_tools_are_read);
	tcase_add_test(tc, step_names_need_no_sign);
	tcase_add_test(tc, a_step_holds_for_its_whole_record_and_on);
	tcase_add_test(tc, the_first_of_several_step_names_counts);
	tcase_add_test(tc, G8_without_a_step_each_metric_counts_its_own);
	tcase_add_test(tc, G8_what_is_no_step_is_rejected);
	tcase_add_test(
	    tc, G8_of_fractional_epochs_every_value_is_kept_and_in_order);
	tcase_add_test(
	    tc, G8_what_can_be_no_step_ends_a_step_name_and_what_it_gave);
	tcase_add_test(tc, G8_values_are_counted_on_from_the_highest_step);
	tcase_add_test(tc,
		       G8_another_step_name_of_the_record_goes_on_giving_steps);
	tcase_add_test(tc, G8_a_step_name_that_ends_is_told_once);
	tcase_add_test(tc, G8_a_step_name_ends_for_the_metrics_beside_it_alone);
	tcase_add_test(tc, G8_signs_beyond_ascii_are_no_part_of_a_name);
	tcase_add_test(tc, a_json_object_gives_its_numbers);
	tcase_add_test(tc, what_is_not_quite_json_is_read_as_pairs);
	tcase_add_test(tc, json_nests_to_the_limit_and_no_deeper);
	tcase_add_test(tc, a_name_that_nobody_can_show_is_rejected);
	tcase_add_test(tc, G7_half_numbers_are_rejected_and_counted);
	tcase_add_test(tc, G9_times_and_addresses_are_no_metrics);
	tcase_add_test(tc, G7_values_that_are_not_finite_keep_their_kind);
	tcase_add_test(tc, G9_patterns_replace_pairs_but_not_json);
	tcase_add_test(tc, a_pattern_takes_no_half_number);
	tcase_add_test(tc, a_faulty_pattern_is_told_what_is_wrong);
	tcase_add_test(tc, G8_steps_go_from_minus_to_plus_2_to_the_53);
	tcase_add_test(tc, G8_steps_may_go_back_and_leave_some_out);
	tcase_add_test(tc, G8_a_repeat_is_handed_on_and_counted);
	return tc;
}

static TCase *bytes(void)
{
	TCase *tc = tcase_create("bytes");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, G2_G3_records_end_with_lf_or_cr);
	tcase_add_test(tc, G3_escape_sequences_vanish);
	tcase_add_test(tc, G2_binary_bytes_and_byte_order_marks_do_no_harm);
	tcase_add_test(tc, only_so_many_metrics_are_tracked);
	tcase_add_test(tc, G4_of_a_longer_record_the_beginning_is_read);
	tcase_add_test(tc, G4_a_record_that_never_ends_is_consumed);
	tcase_add_test(tc, G5_splitting_the_input_at_any_byte_changes_nothing);
	tcase_add_test(tc, G5_half_a_record_waits_for_its_end);
	tcase_add_test(tc, G5_a_state_of_an_earlier_version_is_read);
	tcase_add_test(tc, G4_G5_splitting_around_the_limit_changes_nothing);
	tcase_add_test(tc, a_broken_state_is_refused_and_leaves_a_new_reader);
	tcase_add_test(tc, a_state_with_too_many_metrics_is_refused);
	tcase_add_test(tc,
		       the_objective_may_come_before_the_last_of_the_metrics);
	tcase_add_test(tc, G4_a_step_cut_behind_its_colon_is_no_step);
	tcase_add_test(tc, a_refused_state_leaves_the_objective_its_place);
	tcase_add_test(tc, G8_step_takes_whole_numbers_alone);
	tcase_add_test(tc, G7_numbers_follow_the_grammar);
	tcase_add_test(tc, G7_numbers_read_back_as_they_were_printed);
	tcase_add_test(tc, G7_the_locale_changes_no_number);
	tcase_add_test(tc, G11_hostile_records_take_linear_time);
	return tc;
}

Suite *suite(void)
{
	Suite *s = suite_create("reader");

	suite_add_tcase(s, rules());
	suite_add_tcase(s, bytes());
	return s;
}
