#include "check_main.h"

#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/rpc.h"

START_TEST(each_envelope_is_one_line)
{
	auto_json cJSON *params = cJSON_Parse("{\"search\": \"a\\nb\"}");
	auto_json cJSON *id = cJSON_Parse("\"x\"");
	auto_buf struct buf b = BUF_INIT;

	rpc_print_request(&b, 7, "show", params);
	rpc_print_notice(&b, "progress", NULL);
	rpc_print_result(&b, id, params);
	rpc_print_result(&b, NULL, NULL);
	rpc_print_error(&b, id, RPC_NOT_FOUND, "no \"x\"", NULL);
	rpc_print_error(&b, NULL, RPC_PARSE, "bad", params);
	ck_assert_str_eq(
	    buf_text(&b),
	    "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"show\",\"params\":"
	    "{\"search\":\"a\\nb\"}}\n"
	    "{\"jsonrpc\":\"2.0\",\"method\":\"progress\"}\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"result\":{\"search\":"
	    "\"a\\nb\"}}\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"result\":null}\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":\"x\",\"error\":{\"code\":1,"
	    "\"message\":\"no \\\"x\\\"\"}}\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
	    "\"message\":\"bad\",\"data\":{\"search\":\"a\\nb\"}}}\n");
}
END_TEST

START_TEST(a_printed_request_reads_back)
{
	auto_json cJSON *params = cJSON_Parse("{\"search\": \"a\"}");
	auto_json cJSON *message = NULL;
	auto_buf struct buf b = BUF_INIT;
	auto_diag struct diag d = DIAG_INIT;
	const cJSON *id, *back;
	const char *method;

	rpc_print_request(&b, 7, "show", params);
	message = cJSON_Parse(b.data);
	ck_assert_int_eq(rpc_read_request(message, &id, &method, &back, &d), 0);
	ck_assert_int_eq(id->valueint, 7);
	ck_assert_str_eq(method, "show");
	ck_assert_str_eq(json_get_text(back, "search"), "a");
}
END_TEST

START_TEST(a_notice_has_no_id_and_may_have_no_params)
{
	auto_json cJSON *message =
	    cJSON_Parse("{\"jsonrpc\": \"2.0\", \"method\": \"list\"}");
	auto_diag struct diag d = DIAG_INIT;
	const cJSON *id = message, *params = message;
	const char *method;

	ck_assert_int_eq(rpc_read_request(message, &id, &method, &params, &d),
			 0);
	ck_assert_ptr_null(id);
	ck_assert_ptr_null(params);
}
END_TEST

static const struct {
	const char *message;
	const char *fault;
} bad[] = {
	{"[]",							      "a request is one object"                           },
	{ "3",							      "a request is one object"                           },
	{ "{}",							     "jsonrpc: must be \"2.0\"\nmethod: must be a string"},
	{ "{\"jsonrpc\": \"1.0\", \"method\": \"list\"}",
         "jsonrpc: must be \"2.0\""											     },
	{ "{\"jsonrpc\": 2.0, \"method\": 1, \"id\": {}, \"params\": [1]}",
         "jsonrpc: must be \"2.0\"\nmethod: must be a string\n"
	  "id: must be a string, null, or a number between -2^53 and 2^53\n"
	  "params: must be an object"											   },
};

START_TEST(H3_a_broken_request_is_told_in_full)
{
	auto_json cJSON *message = cJSON_Parse(bad[_i].message);
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *text = NULL;
	const cJSON *id, *params;
	const char *method;

	ck_assert_int_eq(rpc_read_request(message, &id, &method, &params, &d),
			 1);
	text = diag_text(&d, NULL);
	ck_assert_str_eq(text, bad[_i].fault);
}
END_TEST

START_TEST(H3_a_batch_is_no_request)
{
	auto_json cJSON *message = cJSON_Parse(
	    "[{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"list\"}]");
	auto_diag struct diag d = DIAG_INIT;
	const cJSON *id, *params;
	const char *method;

	ck_assert_int_eq(rpc_read_request(message, &id, &method, &params, &d),
			 1);
	ck_assert_str_eq(d.faults[0].text, "a request is one object");
}
END_TEST

static const char *const ids[] = {
	"0",
	"-7",
	"9007199254740991",
	"-9007199254740991",
	"1.5",
	"1e-05",
	"\"\"",
	"\"9007199254740993\"",
	"null",
};

START_TEST(H5_an_id_comes_back_as_it_went)
{
	auto_free char *text = xasprintf(
	    "{\"jsonrpc\": \"2.0\", \"method\": \"list\", \"id\": %s}",
	    ids[_i]);
	auto_free char *want = xasprintf(
	    "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":null}\n", ids[_i]);
	auto_json cJSON *message = cJSON_Parse(text);
	auto_diag struct diag d = DIAG_INIT;
	auto_buf struct buf b = BUF_INIT;
	const cJSON *id, *params;
	const char *method;

	ck_assert_int_eq(rpc_read_request(message, &id, &method, &params, &d),
			 0);
	rpc_print_result(&b, id, NULL);
	ck_assert_str_eq(buf_text(&b), want);
}
END_TEST

static const char *const broken_ids[] = {
	"9007199254740992",
	"9007199254740993",
	"-9007199254740993",
	"1e300",
	"true",
	"[1]",
	"{}",
};

START_TEST(H5_an_id_that_could_not_come_back_is_refused)
{
	auto_free char *text = xasprintf(
	    "{\"jsonrpc\": \"2.0\", \"method\": \"list\", \"id\": %s}",
	    broken_ids[_i]);
	auto_json cJSON *message = cJSON_Parse(text);
	auto_diag struct diag d = DIAG_INIT;
	auto_free char *told = NULL;
	const cJSON *id, *params;
	const char *method;

	ck_assert_int_eq(rpc_read_request(message, &id, &method, &params, &d),
			 1);
	told = diag_text(&d, NULL);
	ck_assert_str_eq(told, "id: must be a string, null, or a number "
			       "between -2^53 and 2^53");
}
END_TEST

START_TEST(faults_read_back_as_they_were_printed)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_diag struct diag back = DIAG_INIT;
	auto_json cJSON *data = NULL;
	auto_free char *text = NULL;

	diag_add_at(&d, 3, 7, "parameters.lr", "100%% wrong");
	diag_add(&d, "", "empty");
	data = rpc_print_faults(&d);
	rpc_read_faults(data, &back);
	text = diag_text(&back, NULL);
	ck_assert_str_eq(text, "3:7: parameters.lr: 100% wrong\nempty");
}
END_TEST

START_TEST(faults_beyond_the_limit_are_not_sent)
{
	auto_diag struct diag d = DIAG_INIT;
	auto_json cJSON *data = NULL;

	for (int i = 0; i < LIMIT_FAULTS + 1; i++)
		diag_add(&d, "", "fault");
	data = rpc_print_faults(&d);
	ck_assert_int_eq(cJSON_GetArraySize(json_get(data, "faults")),
			 LIMIT_FAULTS);
}
END_TEST

START_TEST(a_reply_without_sound_faults_reads_as_what_is_there)
{
	auto_json cJSON *data =
	    cJSON_Parse("{\"faults\": [{\"line\": -1}, 3]}");
	auto_diag struct diag back = DIAG_INIT;

	rpc_read_faults(NULL, &back);
	ck_assert_uint_eq(back.n, 0);
	rpc_read_faults(data, &back);
	ck_assert_uint_eq(back.n, 2);
	ck_assert_uint_eq(back.faults[0].line, 0);
	ck_assert_str_eq(back.faults[0].text, "(no text)");
}
END_TEST

Suite *suite(void)
{
	Suite *s = suite_create("rpc");
	TCase *tc = tcase_create("rpc");

	tcase_add_test(tc, each_envelope_is_one_line);
	tcase_add_test(tc, a_printed_request_reads_back);
	tcase_add_test(tc, a_notice_has_no_id_and_may_have_no_params);
	tcase_add_loop_test(tc, H3_a_broken_request_is_told_in_full, 0,
			    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tc, H3_a_batch_is_no_request);
	tcase_add_loop_test(tc, H5_an_id_comes_back_as_it_went, 0,
			    (int)(sizeof(ids) / sizeof(ids[0])));
	tcase_add_loop_test(tc, H5_an_id_that_could_not_come_back_is_refused, 0,
			    (int)(sizeof(broken_ids) / sizeof(broken_ids[0])));
	tcase_add_test(tc, faults_read_back_as_they_were_printed);
	tcase_add_test(tc, faults_beyond_the_limit_are_not_sent);
	tcase_add_test(tc, a_reply_without_sound_faults_reads_as_what_is_there);
	suite_add_tcase(s, tc);
	return s;
}
