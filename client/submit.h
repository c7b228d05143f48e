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
 * Reads the search file that the call's operand names and makes the params of
 * METHOD_SUBMIT of it: STATUS_DONE and a new object, or the exit status after
 * all faults have been told. --name gives it another name.
 */
enum status submit_params(struct call *call, cJSON **ret_params)
    __attribute__((warn_unused_result));

/* True when a variable of this name looks like a secret. */
bool submit_is_secret(const char *name);
