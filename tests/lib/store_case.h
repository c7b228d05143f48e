#pragma once

/*
 * A database in a temporary folder, and records to put in. Every member of a
 * sample has a value of its own, so that a mixed-up column shows.
 */
#include "store/store.h"

/* For members that are not const, as what is loaded may be. */
#define TEXT(s) ((char *)(s))

struct store_case {
	char folder[64];
	char path[128];
	struct store *s;
};

extern struct store_case the; /* of the running test */

void case_open(void);       /* a new folder and a new database */
void case_shut(void);       /* closes the database alone */
void case_open_again(void); /* the same database */
void case_reopen(void);     /* both */
void case_close(void);      /* and removes the folder */

struct search_record sample_search(int64_t id, const char *name);
/* Trial @number of @search; the id is @search * 1000 + @number. */
struct trial_record sample_trial(int64_t search, int64_t number);
struct attempt_record sample_attempt(int64_t trial, int64_t number);

/* Each in a transaction of its own. */
void case_save_search(const struct search_record *r);
void case_save_trial(const struct trial_record *r);
void case_save_attempt(const struct attempt_record *r);
void case_save_metric(int64_t trial, int64_t attempt, const char *name,
		      int64_t step, double value);
void case_save_event(const struct event_record *e);
void case_save_symptoms(int64_t trial, const struct symptom_record *list,
			size_t n);

/* The first column of the first row of @query on a connection of its own. */
char *case_query(const char *query);
