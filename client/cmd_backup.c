/* backup and restore: copies of the database. */
#include "cmd.h"
#include "conn.h"
#include "start.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define HPSD_TAKEN 100 /* its exit status when another has the state */

/* "1 search, 20 trials" */
static void print_content(struct buf *b, const cJSON *result)
{
	long long searches = json_get_integer(result, "searches", 0);
	long long trials = json_get_integer(result, "trials", 0);

	buf_addf(b, "%lld search%s, %lld trial%s", searches,
		 searches == 1 ? "" : "es", trials, trials == 1 ? "" : "s");
}

static enum status run_backup(struct call *call)
{
	auto_diag struct diag faults = DIAG_INIT;
	auto_free char *file =
	    paths_absolute(call->operands[0], "FILE", &faults);
	auto_buf struct buf text = BUF_INIT;
	auto_json cJSON *result = NULL;
	auto_free char *words = NULL;
	cJSON *params;
	enum status r;

	if (file == NULL) {
		words = diag_text(&faults, NULL);
		return fail(STATUS_BAD_INPUT, "%s", words);
	}
	params = cJSON_CreateObject();
	cJSON_AddStringToObject(params, "file", file);
	if (call_option(call, "force") != NULL)
		cJSON_AddTrueToObject(params, "replace");
	r = call_method(call, METHOD_BACKUP, params, &result);
	if (r != STATUS_DONE)
		return r;
	call->out.ops->answer(&call->out, result);
	print_content(&text, result);
	buf_adds(&text, ", ");
	out_print_value(&text, OUT_BYTES, json_get(result, "bytes"));
	out_textf(&call->out, "%s: %s\n", file, buf_text(&text));
	return STATUS_DONE;
}

const struct command cmd_backup = {
	.name = "backup",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.operand = OPERAND_FILE,
	.help = "Copy the database as it is now, while hpsd goes on",
	.text = "FILE holds the searches and their results, not the outputs of "
		"the trials. hpsd makes such a copy once a day by itself, in "
		"the folder backups of the state directory.",
	.options = { { "force", 0, NULL, "Replace FILE if it is there" } },
	.run = run_backup,
};

/* Nobody may have the database open. */
static enum status want_no_daemon(struct call *call)
{
	struct conn *probe;
	enum status r = call_paths(call);

	if (r != STATUS_DONE || conn_open(call->paths.socket, &probe) != 0)
		return r;
	conn_close(probe);
	return fail(STATUS_FAILED,
		    "hpsd runs at %s: end it first (hpctl shutdown; running "
		    "trials go on)",
		    call->paths.socket);
}

static void print_restored(struct call *call, const cJSON *result)
{
	const char *database = json_get_text(result, "database");
	const char *trials = json_get_text(result, "trials_dir");
	auto_buf struct buf text = BUF_INIT;

	call->out.ops->answer(&call->out, result);
	print_content(&text, result);
	out_textf(&call->out, "restored %s: %s\n",
		  json_get_text(result, "restored"), buf_text(&text));
	if (database != NULL)
		out_textf(&call->out, "the database before is %s\n", database);
	if (trials != NULL)
		out_textf(&call->out,
			  "files of trials that it does not know are in %s\n",
			  trials);
}

static enum status run_restore(struct call *call)
{
	auto_free char *hpsd = start_find_hpsd();
	auto_buf struct buf answer = BUF_INIT;
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	enum status r = want_no_daemon(call);
	int status;

	if (r != STATUS_DONE)
		return r;
	if (hpsd == NULL)
		return fail(STATUS_FAILED,
			    "the program hpsd is not there (install it, or set "
			    "HPSD to its path)");
	status = start_ask_hpsd(hpsd, &call->paths, "--restore",
				call->operands[0], &answer);
	if (status == HPSD_TAKEN)
		return fail(STATUS_FAILED,
			    "hpsd runs: end it first (hpctl shutdown; running "
			    "trials go on)");
	if (status != 0)
		return fail(status == STATUS_BAD_INPUT ? STATUS_BAD_INPUT
						       : STATUS_FAILED,
			    "%s was not restored", call->operands[0]);
	if (json_doc_parse(buf_text(&answer), answer.len, &doc, &faults) != 0)
		return fail(STATUS_FAILED, "%s gave no answer", hpsd);
	print_restored(call, doc.root);
	return STATUS_DONE;
}

const struct command cmd_restore = {
	.name = "restore",
	.operands = "FILE",
	.min = 1,
	.max = 1,
	.operand = OPERAND_FILE,
	.help = "Put a backup in the place of the database",
	.text = "No hpsd may run meanwhile. Nothing is deleted: the database "
		"before and the files of trials that the backup does not know "
		"get other names, which are told. Trials that ran at the time "
		"of the backup are found again by the next hpsd if they still "
		"run or have ended since.",
	.never_starts = true,
	.run = run_restore,
};
