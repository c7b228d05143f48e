#pragma once

/*
 * A search file on its way to hpsd: read, checked, with the directory and the
 * environment that its trials will have.
 */
#include "cmd.h"

#include "schema/search.h"

struct submission {
	struct buf file; /* its text */
	struct search_spec *spec;
	char *workdir; /* absolute */
};

/*
 * Reads and checks the search file at @path ("-": stdin): returns 0, or 1 with
 * every fault of the file, of its workdir and its program in @reterr.
 * Free with submission_free() in either case.
 */
int submission_read(const char *path, struct submission *ret_submission,
		    struct diag *reterr) __attribute__((warn_unused_result));
void submission_free(struct submission *s);

#define auto_submission __attribute__((cleanup(submission_free)))

/*
 * Submits the search file that the call's operand names, under the name of the
 * option --name if that is given. Returns STATUS_DONE and the daemon's answer.
 */
enum status submit(struct call *call, cJSON **ret_result);

/* True when a variable of this name looks like a secret. */
bool submit_is_secret(const char *name);
