#pragma once

/* Earlier trials on their way into a search. */
#include "core/event.h"
#include "store/store.h"

#include "schema/json.h"

struct import {
	struct import_row *rows; /* [n]; the configurations are owned */
	size_t n, cap;
	/* Trials of another search that were left out. */
	int64_t without_result; /* cancelled, lost, not ended yet */
	int64_t unfit;          /* outside of the space, with less budget */
	char *why;              /* the fault of the first of these, or NULL */
	char *lacks; /* what is not known here of the others, or NULL */
};

/*
 * Reads the `trials` of METHOD_IMPORT. Returns 0, or 1 with every fault of
 * every row.
 */
int import_read(const struct space *space, const cJSON *trials,
		struct import *ret_import, struct diag *reterr)
    __attribute__((warn_unused_result));

/*
 * Takes over the trials of search @from that fit into @to: parameters by name.
 * Returns 0, 1 with the faults if they cannot be compared or none fits, or the
 * store's failure.
 */
int import_copy(struct store *store, int64_t from, const struct search_spec *to,
		struct import *ret_import, struct diag *reterr)
    __attribute__((warn_unused_result));

void import_free(struct import *i);
#define auto_import __attribute__((cleanup(import_free)))
