#pragma once

/* What doctor has found: a row a check. */
#include "cmd.h"

enum grade { GRADE_OK, GRADE_WARN, GRADE_FAIL, GRADE_SKIP };

struct doctor {
	cJSON *rows;
	bool failed;
};

/* One finding; the text says what to do about it, in parentheses. */
void grade(struct doctor *d, const char *what, enum grade g, const char *fmt,
	   ...) __attribute__((format(printf, 4, 5)));

/* doctor_state.c: the state directory and what lies in it */
void doctor_state_dir(struct doctor *d, const struct paths *paths);
/* doctor_daemon.c: what a running hpsd says */
void doctor_daemon(struct doctor *d, struct call *call);
