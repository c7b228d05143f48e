#include "split.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/reader.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static char loss[] = "loss", tokens[] = "Tokens";
static char accuracy[] = "acc {acc}%", pair[] = "{a}, {b}", bare[] = "{x}";
static char braces[] = "{{\"v\": {v}", epoch[] = " epoch {epoch}  l{l}";
static char *one[] = { accuracy, NULL };
static char *two[] = { pair, epoch, NULL };
static char *three[] = { bare, braces, accuracy, NULL };

static const struct {
	char *metric, *step_metric;
	char **patterns;
} choices[] = {
	{NULL,  NULL,   NULL },
        { loss, NULL,   NULL },
        { loss, tokens, NULL },
	{ NULL, NULL,   one  },
        { loss, NULL,   two  },
        { NULL, tokens, three},
	{ NULL, loss,   NULL },
        { loss, loss,   one  },
};

struct search_spec split_spec(unsigned choice)
{
	choice %= sizeof(choices) / sizeof(choices[0]);
	return (struct search_spec){
		.metric = choices[choice].metric,
		.step_metric = choices[choice].step_metric,
		.patterns = choices[choice].patterns,
	};
}

/* A row as bytes: name, NUL, kind, step, value if it is finite. */
static void note(void *ctx, const struct metric_record *m)
{
	struct buf *rows = ctx;

	buf_add(rows, m->name, strlen(m->name) + 1);
	buf_addc(rows, (char)m->kind);
	buf_add(rows, &m->step, sizeof(m->step));
	if (m->kind == VALUE_FINITE)
		buf_add(rows, &m->value, sizeof(m->value));
}

/* The same of a row that can be stored and shown. */
static void note_checked(void *ctx, const struct metric_record *m)
{
	size_t len = strlen(m->name);
	char text[JSON_NUMBER_BYTES];
	double back;

	assert(len > 0 && len <= LIMIT_NAME_BYTES);
	assert(m->kind == value_kind_of(m->value));
	json_number_text(m->value, text);
	assert(reader_number(text, strlen(text), &back));
	assert(isnan(m->value) ? isnan(back) : m->value == back);
	note(ctx, m);
}

/*
 * A reader with the state to begin with. One that has refused it must be as a
 * new one: where @give_up, a new one it is.
 */
static struct reader *begin(const struct split *s, bool give_up)
{
	struct reader *r = reader_new(&s->spec);

	if (s->state == NULL || reader_load(r, s->state) == 0 || !give_up)
		return r;
	reader_free(r);
	return reader_new(&s->spec);
}

/* A reader that goes on from the state of @r, which is freed. */
static struct reader *reload(const struct split *s, struct reader *r)
{
	struct reader *next = reader_new(&s->spec);
	auto_buf struct buf state = BUF_INIT;
	int error;

	reader_save(r, &state);
	reader_free(r);
	error = reader_load(next, buf_text(&state));
	assert(error == 0);
	return next;
}

static void read_whole(const struct split *s, struct buf *ret_rows)
{
	struct reader *r = begin(s, false);

	reader_finish(r, s->log, s->len, note_checked, ret_rows);
	reader_save(r, ret_rows);
	reader_free(r);
}

static void read_in_parts(const struct split *s, struct buf *ret_rows)
{
	struct reader *r = begin(s, true);
	size_t used = 0;

	for (size_t i = 0; i < sizeof(s->cuts) / sizeof(s->cuts[0]); i++) {
		size_t offered = s->cuts[i] - used;
		size_t n =
		    reader_feed(r, s->log + used, offered, note, ret_rows);

		assert(n <= offered && offered - n <= LIMIT_LINE_BYTES);
		used += n;
		if (s->reload)
			r = reload(s, r);
	}
	reader_finish(r, s->log + used, s->len - used, note, ret_rows);
	reader_save(r, ret_rows);
	reader_free(r);
}

void split_check(const struct split *s)
{
	auto_buf struct buf whole = BUF_INIT, parts = BUF_INIT;

	read_whole(s, &whole);
	read_in_parts(s, &parts);
	assert(whole.len == parts.len);
	assert(memcmp(whole.data, parts.data, whole.len) == 0);
}
