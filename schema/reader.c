#include "schema/reader.h"

#include "schema/json.h"
#include "schema/jsonline.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/pattern.h"
#include "schema/scan.h"
#include "schema/token.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ESC        '\x1b'
#define BEL        '\a'
#define SLOTS      2048        /* of the hash table of names; a power of two */
#define EXACT_STEP (1LL << 53) /* beyond, a double is no exact integer */
#define NO_STEP    SIZE_MAX    /* rank of what is no step name */
#define CARRIED    (1LL << 62) /* at most: counting on cannot overflow */

static_assert(LIMIT_METRICS < SLOTS, "the table always has a free slot");

/* The first of these names in a record gives its step; metric.step goes first.
 */
static const char *const step_names[] = { "step", "epoch", "iter",
					  "iteration" };

#define STEP_NAMES (sizeof(step_names) / sizeof(step_names[0]))
#define RANKS      (1 + STEP_NAMES)

struct metric {
	char *name;
	size_t len;
	bool seen;
	int64_t step;    /* of its last value, if seen */
	int64_t highest; /* of all its steps, if seen */
	unsigned unfit;  /* step names that give it none any more */
};

/* A value of the record at hand: its step may stand behind it. */
struct value {
	size_t metric;
	double v;
};

struct reader {
	const struct search_spec *spec;
	struct pattern *patterns[LIMIT_PATTERNS];
	size_t n_patterns;

	/* what is carried from record to record */
	bool skipping;        /* the rest of a truncated record */
	unsigned held;        /* step names of the latest record that had any */
	int64_t steps[RANKS]; /* what they said, if held */
	unsigned ended;       /* names whose step held until they had none */
	struct metric *metrics;
	size_t n_metrics;
	bool has_objective;    /* among the metrics */
	uint16_t slots[SLOTS]; /* 1 + index of a metric, 0: free */
	struct reader_counts counts;

	/* what is not */
	uint64_t lines;          /* LFs so far */
	struct reader_note note; /* if it has words */
	bool has_told;

	/* the record at hand */
	struct buf clean; /* without escape sequences */
	struct buf plain; /* without signs beyond ASCII */
	bool cut;         /* it is the beginning of a truncated one */
	struct value *values;
	size_t n_values, cap_values;
	unsigned found; /* step names in it */
	int64_t found_steps[RANKS];
	unsigned bad; /* names that have had what can be no step */

	/* what is told of the latest such name */
	size_t fault; /* its rank, or NO_STEP */
	char fault_text[JSON_NUMBER_BYTES];
};

static size_t hash(const char *name, size_t len)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 16777619u;
	return (h ^ h >> 15) % SLOTS;
}

static bool is_objective(const struct reader *r, const char *name, size_t len)
{
	return r->spec->metric != NULL && strlen(r->spec->metric) == len &&
	       memcmp(r->spec->metric, name, len) == 0;
}

/* The metric @name, added if it is new; NULL when there are too many. */
static struct metric *get_metric(struct reader *r, const char *name, size_t len)
{
	size_t i = hash(name, len);
	struct metric *m;

	for (; r->slots[i] != 0; i = (i + 1) % SLOTS) {
		m = &r->metrics[r->slots[i] - 1];
		if (m->len == len && memcmp(m->name, name, len) == 0)
			return m;
	}
	/* The last place is the objective's, however many others there are. */
	if (r->n_metrics == LIMIT_METRICS ||
	    (r->n_metrics == LIMIT_METRICS - 1 && r->spec->metric != NULL &&
	     !r->has_objective && !is_objective(r, name, len)))
		return NULL;
	if (r->metrics == NULL)
		r->metrics = xcalloc(LIMIT_METRICS, sizeof(*r->metrics));
	m = &r->metrics[r->n_metrics++];
	m->name = xstrndup(name, len);
	m->len = len;
	r->has_objective |= is_objective(r, name, len);
	r->slots[i] = (uint16_t)r->n_metrics;
	return m;
}

/* What the database and a terminal can bear. */
static bool name_is_valid(const char *name, size_t len)
{
	size_t n;

	if (len == 0 || len > LIMIT_NAME_BYTES)
		return false;
	for (; len > 0; name += n, len -= n) {
		n = scan_utf8(name, len);
		if (n == 0 || (unsigned char)*name < ' ' || *name == '\x7f')
			return false;
	}
	return true;
}

static size_t step_rank(const struct reader *r, const char *name, size_t len)
{
	const char *own = r->spec->step_metric;

	if (own != NULL && token_is_word(name, len, own))
		return 0;
	for (size_t i = 0; i < STEP_NAMES; i++) {
		if (token_is_word(name, len, step_names[i]))
			return i + 1;
	}
	return NO_STEP;
}

static const char *step_name(const struct reader *r, size_t rank)
{
	return rank == 0 ? r->spec->step_metric : step_names[rank - 1];
}

static bool can_be_step(double v)
{
	return fabs(v) <= (double)EXACT_STEP && floor(v) == v;
}

static unsigned bit(size_t rank)
{
	return 1U << rank;
}

/* What stands behind a step name can be no step. */
static void note_fault(struct reader *r, size_t rank, const char *text,
		       size_t len)
{
	r->bad |= bit(rank);
	r->fault = rank;
	if (len >= sizeof(r->fault_text))
		len = sizeof(r->fault_text) - 1;
	memcpy(r->fault_text, text, len);
	r->fault_text[len] = '\0';
}

static void add_step(struct reader *r, size_t rank, double v)
{
	char text[JSON_NUMBER_BYTES];

	if (!can_be_step(v)) {
		json_number_text(v, text);
		note_fault(r, rank, text, strlen(text));
		r->counts.rejected++;
		return;
	}
	r->found |= bit(rank);
	r->found_steps[rank] = (int64_t)v;
}

/* A name with its value, from whichever rule. */
static void add_value(void *ctx, const char *name, size_t len, double v)
{
	struct reader *r = ctx;
	size_t rank = step_rank(r, name, len);
	struct metric *m = NULL;

	if (rank != NO_STEP) {
		add_step(r, rank, v);
		return;
	}
	if (name_is_valid(name, len))
		m = get_metric(r, name, len);
	if (m == NULL) {
		r->counts.rejected++;
		return;
	}
	if (r->n_values == r->cap_values) {
		r->cap_values = r->cap_values > 0 ? 2 * r->cap_values : 16;
		r->values =
		    xreallocarray(r->values, r->cap_values, sizeof(*r->values));
	}
	r->values[r->n_values++] =
	    (struct value){ .metric = (size_t)(m - r->metrics), .v = v };
}

/*
 * The value of a step name: it may stand in brackets ("Epoch [3/30]") or before
 * a colon ("Epoch 3: loss ..."), but is no part of a time.
 */
static const char *find_step(const struct reader *r, const char *p,
			     const char *end, double *ret_v)
{
	const char *q;

	if (p < end && *p == '[')
		p = token_skip_blanks(p + 1, end);
	q = token_number(p, end, ret_v);
	if (q == NULL || token_ends_number(q, end, r->cut))
		return q;
	if (q == end || *q != ':')
		return NULL;
	if (q + 1 == end)
		return r->cut ? NULL : q;
	return token_is_blank(q[1]) ? q : NULL;
}

/*
 * The length of "1,000" or "1_000", as some print the whole numbers that are
 * their steps; 0: it is no such.
 */
static size_t grouped(const char *p, const char *end)
{
	const char *q = p;
	bool groups = false;

	while (q < end) {
		bool digit = token_is_digit(*q);

		if (!digit && (q == p || (*q != ',' && *q != '_') ||
			       q + 1 == end || !token_is_digit(q[1])))
			break;
		groups |= !digit;
		q++;
	}
	return groups ? (size_t)(q - p) : 0;
}

/*
 * The name in [name, p) with what follows it; returns where to go on. Every
 * byte is looked at a bounded number of times.
 */
static const char *read_pair(struct reader *r, const char *name, const char *p,
			     const char *begin, const char *end)
{
	size_t len = (size_t)(p - name);
	size_t rank = step_rank(r, name, len);
	bool is_step = rank != NO_STEP;
	bool quoted = p < end && (*p == '"' || *p == '\'') && name > begin &&
		      name[-1] == *p;
	const char *text = token_skip_blanks(p + quoted, end);
	char sign = ' ';
	const char *q;
	size_t n;
	double v;

	if (text < end && (*text == '=' || *text == ':'))
		sign = *text;
	if (sign != ' ')
		text = token_skip_blanks(text + 1, end);
	else if (!is_step || quoted || (text == p && text < end && *p != '['))
		return p;
	if (is_step) {
		q = find_step(r, text, end, &v);
	} else {
		q = token_number(text, end, &v);
		if (q != NULL && !token_ends_number(q, end, r->cut))
			q = NULL;
	}
	if (q != NULL) {
		add_value(r, name, len, v);
		return q;
	}
	n = is_step ? grouped(text, end) : 0;
	if (n > 0)
		note_fault(r, rank, text, n);
	/* Prose is full of colons: "INFO: started" is no failed metric. */
	r->counts.rejected += sign == '=' || token_looks_numeric(text, end);
	return text;
}

/* Rule 2: name=value and name: value anywhere, step names without a sign. */
static void read_pairs(struct reader *r, const char *begin, const char *end)
{
	const char *p = begin;

	while (p < end) {
		const char *name = p;

		while (p < end && token_is_name(*p))
			p++;
		if (p == name)
			p++;
		else if (token_begins_name(*name))
			p = read_pair(r, name, p, begin, end);
	}
}

/* Characters beyond ASCII that are no letters, digits or indices. */
static const struct {
	uint32_t first, last;
} signs[] = {
	{0x80,     0xa9   },
        { 0xab,    0xb1   },
        { 0xb4,    0xb4   },
	{ 0xb6,    0xb8   },
        { 0xbb,    0xbf   },
        { 0xd7,    0xd7   },
	{ 0xf7,    0xf7   },
        { 0x2000,  0x206f },
        { 0x20a0,  0x20ff },
	{ 0x2190,  0x2bff },
        { 0x3000,  0x303f },
        { 0xfe00,  0xfe6f },
	{ 0xff00,  0xff0f },
        { 0xff1a,  0xff20 },
        { 0x1f000, 0x1faff},
};

/* The character of @len > 1 bytes of UTF-8. */
static uint32_t decode(const char *p, size_t len)
{
	uint32_t c = (unsigned char)p[0] & (0x7fU >> len);

	for (size_t i = 1; i < len; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3fU);
	return c;
}

static bool is_sign(uint32_t c)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++) {
		if (c >= signs[i].first && c <= signs[i].last)
			return true;
	}
	return false;
}

static bool has_high_bytes(const char *p, const char *end)
{
	while (p < end && (unsigned char)*p < 0x80)
		p++;
	return p < end;
}

/*
 * Copies the record to r->plain with a byte that belongs to nothing for each
 * one of a sign: the line of a table and a tick are no part of a name.
 */
static void blot_signs(struct reader *r, const char *p, const char *end)
{
	buf_clear(&r->plain);
	while (p < end) {
		size_t n = scan_utf8(p, (size_t)(end - p));

		if (n > 1 && is_sign(decode(p, n))) {
			for (size_t i = 0; i < n; i++)
				buf_addc(&r->plain, '\1');
			p += n;
			continue;
		}
		n = n > 0 ? n : 1;
		buf_add(&r->plain, p, n);
		p += n;
	}
}

static void read_plain_pairs(struct reader *r, const char *begin,
			     const char *end)
{
	blot_signs(r, begin, end);
	begin = buf_text(&r->plain);
	read_pairs(r, begin, begin + r->plain.len);
}

/* Rule 3: the search's own patterns. */
static void read_patterns(struct reader *r, const char *begin, const char *end)
{
	for (size_t i = 0; i < r->n_patterns; i++) {
		struct pattern *p = r->patterns[i];
		const char *at = begin;
		enum pattern_answer answer;

		while ((answer = pattern_find(p, begin, end, r->cut, &at)) !=
		       PATTERN_NONE) {
			r->counts.rejected += answer == PATTERN_BROKEN;
			for (size_t k = 0; k < p->n; k++) {
				if (answer == PATTERN_MATCH &&
				    p->parts[k].kind == PATTERN_HOLE)
					add_value(r, p->parts[k].text,
						  p->parts[k].len,
						  p->parts[k].value);
			}
		}
	}
}

/* The steps that hold from this record on. */
static void settle_steps(struct reader *r)
{
	unsigned found = r->found & ~r->bad;

	if (found != 0) {
		r->held = found;
		memcpy(r->steps, r->found_steps, sizeof(r->steps));
		r->ended &= ~found;
	} else {
		r->ended |= r->held & r->bad;
		r->held &= ~r->bad;
	}
}

/*
 * A step name that has had, where it told the step of this metric, what can be
 * no step, gives it none any more: of epochs 0.5, 1.0, 1.5 the whole ones alone
 * would be steps, and the values between land on them. False: none holds.
 */
static bool find_step_of(const struct reader *r, struct metric *m,
			 int64_t *ret_step)
{
	size_t rank = 0;

	m->unfit |= r->bad | (r->held == 0 ? r->ended : 0);
	while (rank < RANKS && (r->held & ~m->unfit & bit(rank)) == 0)
		rank++;
	if (rank < RANKS)
		*ret_step = r->steps[rank];
	return rank < RANKS;
}

/* That the objective's steps are counted, though they have a name. */
static void tell(struct reader *r, const struct metric *m)
{
	if (r->has_told || m->unfit == 0 || r->fault == NO_STEP ||
	    !is_objective(r, m->name, m->len))
		return;
	r->has_told = true;
	r->note.line = r->lines + 1;
	r->note.words = xasprintf(
	    "\"%s\" gives %s no step from here on: %s is no whole number (as "
	    "12, up to 2^53); values without another step are counted on, "
	    "each one step after the last",
	    step_name(r, r->fault), m->name, r->fault_text);
}

/* Hands on the values of the record, now that its step is known. */
static void hand_on(struct reader *r, reader_metric_fn *fn, void *ctx)
{
	for (size_t i = 0; i < r->n_values; i++) {
		struct metric *m = &r->metrics[r->values[i].metric];
		double v = r->values[i].v;
		struct metric_record record = { .name = m->name,
						.kind = value_kind_of(v),
						.value = v };

		if (!find_step_of(r, m, &record.step)) {
			record.step = m->seen ? m->highest + 1 : 0;
			tell(r, m);
		}
		r->counts.repeats += m->seen && m->step == record.step;
		r->counts.metrics++;
		if (!m->seen || m->highest < record.step)
			m->highest = record.step;
		m->seen = true;
		m->step = record.step;
		fn(ctx, &record);
	}
}

/*
 * Returns what is behind the escape sequence at @p (ECMA-48), @end if it never
 * ends. Of a malformed one that is its faulty byte.
 */
static const char *skip_escape(const char *p, const char *end)
{
	char kind;

	p++;
	if (p == end)
		return p;
	kind = *p;
	if (kind == '[') {
		p++;
		while (p < end && *p >= 0x20 && *p <= 0x3f)
			p++;
		return p < end && *p >= 0x40 && *p <= 0x7e ? p + 1 : p;
	}
	if (kind == ']') { /* a window title or a link: up to BEL or ESC \ */
		for (p++; p < end; p++) {
			if (*p == BEL)
				return p + 1;
			if (*p == ESC && p + 1 < end && p[1] == '\\')
				return p + 2;
		}
		return end;
	}
	while (p < end && *p >= 0x20 && *p <= 0x2f)
		p++;
	return p < end && *p >= 0x30 && *p <= 0x7e ? p + 1 : p;
}

/* Copies the record without its escape sequences to r->clean. */
static void strip(struct reader *r, const char *text, size_t len)
{
	const char *end = text + len;

	buf_clear(&r->clean);
	while (text < end) {
		const char *esc = memchr(text, ESC, (size_t)(end - text));

		if (esc == NULL)
			esc = end;
		buf_add(&r->clean, text, (size_t)(esc - text));
		text = esc < end ? skip_escape(esc, end) : end;
	}
}

/* Reads one record, @len bytes without its end. */
static void read_record(struct reader *r, const char *text, size_t len,
			reader_metric_fn *fn, void *ctx)
{
	const char *end;

	r->cut = len > LIMIT_LINE_BYTES;
	if (r->cut) {
		r->counts.truncated++;
		len = LIMIT_LINE_BYTES;
	}
	if (memchr(text, ESC, len) != NULL) {
		strip(r, text, len);
		text = buf_text(&r->clean);
		len = r->clean.len;
	}
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3; /* a byte order mark */
		len -= 3;
	}
	end = text + len;
	if (token_skip_blanks(text, end) == end)
		return;
	r->counts.records++;
	r->n_values = 0;
	r->found = r->bad = 0;
	if (r->cut || !jsonline_read(text, len, add_value, r)) {
		if (r->n_patterns > 0)
			read_patterns(r, text, end);
		else if (has_high_bytes(text, end))
			read_plain_pairs(r, text, end);
		else
			read_pairs(r, text, end);
	}
	settle_steps(r);
	hand_on(r, fn, ctx);
}

/* The first byte @c in [p, end), or @end. */
static const char *find_byte(const char *p, const char *end, char c)
{
	const char *found = memchr(p, c, (size_t)(end - p));

	return found != NULL ? found : end;
}

size_t reader_feed(struct reader *r, const char *data, size_t len,
		   reader_metric_fn *fn, void *ctx)
{
	const char *end = data + len;
	const char *p = data;
	const char *lf = data, *cr = data; /* the next ones, once looked for */
	bool known = false;

	while (p < end) {
		const char *stop;

		if (!known || lf < p)
			lf = find_byte(p, end, '\n');
		if (!known || cr < p)
			cr = find_byte(p, end, '\r');
		known = true;
		stop = lf < cr ? lf : cr;
		if (stop == end)
			break;
		if (!r->skipping)
			read_record(r, p, (size_t)(stop - p), fn, ctx);
		r->skipping = false;
		r->lines += *stop == '\n';
		p = stop + 1;
	}
	if (r->skipping)
		return len;
	if (end - p > LIMIT_LINE_BYTES) {
		read_record(r, p, (size_t)(end - p), fn, ctx);
		r->skipping = true;
		return len;
	}
	return (size_t)(p - data);
}

void reader_finish(struct reader *r, const char *data, size_t len,
		   reader_metric_fn *fn, void *ctx)
{
	size_t n = len > 0 ? reader_feed(r, data, len, fn, ctx) : 0;

	if (n < len)
		read_record(r, data + n, len - n, fn, ctx);
	r->skipping = false;
}

const struct reader_counts *reader_counts(const struct reader *r)
{
	return &r->counts;
}

const struct reader_note *reader_note(const struct reader *r)
{
	return r->note.words != NULL ? &r->note : NULL;
}

struct reader *reader_new(const struct search_spec *spec)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	char *const *text = spec->patterns;

	r->spec = spec;
	r->fault = NO_STEP;
	for (; text != NULL && *text != NULL; text++) {
		auto_free char *fault = NULL;
		struct pattern *p = pattern_new(*text, &fault);

		assert(p != NULL && r->n_patterns < LIMIT_PATTERNS);
		r->patterns[r->n_patterns++] = p;
	}
	return r;
}

/* Forgets everything that it carries. */
static void reset(struct reader *r)
{
	for (size_t i = 0; i < r->n_metrics; i++)
		free(r->metrics[i].name);
	free(r->metrics);
	r->metrics = NULL;
	r->n_metrics = 0;
	r->has_objective = false;
	memset(r->slots, 0, sizeof(r->slots));
	r->counts = (struct reader_counts){ 0 };
	r->skipping = false;
	r->held = r->ended = 0;
	r->fault = NO_STEP;
	free(r->note.words);
	r->note = (struct reader_note){ 0 };
	r->has_told = false;
	r->lines = 0;
}

void reader_free(struct reader *r)
{
	if (r == NULL)
		return;
	reset(r);
	for (size_t i = 0; i < r->n_patterns; i++)
		pattern_free(r->patterns[i]);
	buf_free(&r->clean);
	buf_free(&r->plain);
	free(r->values);
	free(r);
}

/* Names, and not ranks: those of another version may be others. */
static void save_names(const struct reader *r, unsigned names,
		       struct buf *ret_json)
{
	const char *separator = "";

	buf_addc(ret_json, '[');
	for (size_t rank = 0; rank < RANKS; rank++) {
		if ((names & bit(rank)) == 0)
			continue;
		buf_adds(ret_json, separator);
		json_write_text(ret_json, step_name(r, rank));
		separator = ",";
	}
	buf_addc(ret_json, ']');
}

static void save_steps(const struct reader *r, struct buf *ret_json)
{
	const char *separator = "";

	buf_adds(ret_json, "\"steps\":{");
	for (size_t rank = 0; rank < RANKS; rank++) {
		if ((r->held & bit(rank)) == 0)
			continue;
		buf_adds(ret_json, separator);
		json_write_text(ret_json, step_name(r, rank));
		buf_addf(ret_json, ":%" PRId64, r->steps[rank]);
		separator = ",";
	}
	buf_adds(ret_json, "},\"ended\":");
	save_names(r, r->ended, ret_json);
	buf_addc(ret_json, ',');
}

static void save_metric(const struct reader *r, const struct metric *m,
			struct buf *ret_json)
{
	json_write_text(ret_json, m->name);
	if (m->step == m->highest && m->unfit == 0) {
		buf_addf(ret_json, ":%" PRId64, m->step);
		return;
	}
	buf_addf(ret_json, ":[%" PRId64 ",%" PRId64 ",", m->step, m->highest);
	save_names(r, m->unfit, ret_json);
	buf_addc(ret_json, ']');
}

void reader_save(const struct reader *r, struct buf *ret_json)
{
	const struct reader_counts *c = &r->counts;

	buf_addf(ret_json,
		 "{\"counts\":[%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
		 ",%" PRIu64 "],",
		 c->records, c->metrics, c->repeats, c->truncated, c->rejected);
	if (r->skipping)
		buf_adds(ret_json, "\"skipping\":true,");
	save_steps(r, ret_json);
	buf_adds(ret_json, "\"metrics\":{");
	for (size_t i = 0; i < r->n_metrics; i++) {
		if (i > 0)
			buf_addc(ret_json, ',');
		save_metric(r, &r->metrics[i], ret_json);
	}
	buf_adds(ret_json, "}}");
}

/* A count or a step that a reader can have come to. */
static bool load_int(const struct json_doc *doc, const cJSON *node,
		     int64_t *ret_i)
{
	return json_int(doc, node, ret_i) && *ret_i >= -CARRIED &&
	       *ret_i <= CARRIED;
}

static bool load_counts(struct reader *r, const struct json_doc *doc)
{
	struct reader_counts *c = &r->counts;
	uint64_t *const fields[] = { &c->records, &c->metrics, &c->repeats,
				     &c->truncated, &c->rejected };
	const cJSON *node = json_get(doc->root, "counts");
	const int n = sizeof(fields) / sizeof(fields[0]);
	int64_t v;

	if (!cJSON_IsArray(node) || cJSON_GetArraySize(node) != n)
		return false;
	for (int i = 0; i < n; i++) {
		if (!load_int(doc, cJSON_GetArrayItem(node, i), &v) || v < 0)
			return false;
		*fields[i] = (uint64_t)v;
	}
	return true;
}

/* A list of step names; NULL is an empty one. */
static bool load_names(const struct reader *r, const cJSON *list, unsigned *ret)
{
	const cJSON *node;

	if (list != NULL && !cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach (node, list) {
		const char *name = cJSON_GetStringValue(node);
		size_t rank =
		    name != NULL ? step_rank(r, name, strlen(name)) : NO_STEP;

		if (rank == NO_STEP)
			return false;
		*ret |= bit(rank);
	}
	return true;
}

/* An earlier version did not say of what its step was: till the next, count. */
static bool load_steps(struct reader *r, const struct json_doc *doc)
{
	const cJSON *steps = json_get(doc->root, "steps");
	const cJSON *node;

	if (steps != NULL && !cJSON_IsObject(steps))
		return false;
	cJSON_ArrayForEach (node, steps) {
		size_t rank = step_rank(r, node->string, strlen(node->string));

		if (rank == NO_STEP || !load_int(doc, node, &r->steps[rank]))
			return false;
		r->held |= bit(rank);
	}
	return load_names(r, json_get(doc->root, "ended"), &r->ended);
}

/* Its last step, or that, its highest and its unfit names. */
static bool load_metric(struct reader *r, const struct json_doc *doc,
			const cJSON *node, struct metric *m)
{
	m->seen = true;
	if (!cJSON_IsArray(node)) {
		if (!load_int(doc, node, &m->step))
			return false;
		m->highest = m->step;
		return true;
	}
	if (cJSON_GetArraySize(node) != 3 ||
	    !load_int(doc, cJSON_GetArrayItem(node, 0), &m->step) ||
	    !load_int(doc, cJSON_GetArrayItem(node, 1), &m->highest) ||
	    !load_names(r, cJSON_GetArrayItem(node, 2), &m->unfit))
		return false;
	r->has_told |= m->unfit != 0 && is_objective(r, m->name, m->len);
	return m->step <= m->highest;
}

static bool load_metrics(struct reader *r, const struct json_doc *doc)
{
	const cJSON *metrics = json_get(doc->root, "metrics");
	const cJSON *node;

	if (!cJSON_IsObject(metrics))
		return false;
	cJSON_ArrayForEach (node, metrics) {
		size_t len = strlen(node->string);
		struct metric *m;

		if (!name_is_valid(node->string, len))
			return false;
		m = get_metric(r, node->string, len);
		if (m == NULL || !load_metric(r, doc, node, m))
			return false;
	}
	return true;
}

int reader_load(struct reader *r, const char *json)
{
	auto_json_doc struct json_doc doc = { 0 };
	auto_diag struct diag ignored = DIAG_INIT;

	reset(r);
	if (json_doc_parse(json, strlen(json), &doc, &ignored) != 0)
		return 1;
	r->skipping = json_get_bool(doc.root, "skipping", false);
	if (load_counts(r, &doc) && load_steps(r, &doc) &&
	    load_metrics(r, &doc))
		return 0;
	reset(r);
	return 1;
}

bool reader_takes(const char *name, double v)
{
	return !token_is_word(name, strlen(name), "step") || can_be_step(v);
}

bool reader_number(const char *text, size_t len, double *ret_v)
{
	const char *end = token_number(text, text + len, ret_v);

	return end != NULL && end == text + len;
}

void reader_check_pattern(const char *pattern, const struct json_doc *doc,
			  const cJSON *node, const char *path,
			  struct diag *reterr)
{
	auto_free char *fault = NULL;
	struct pattern *p = pattern_new(pattern, &fault);

	if (p == NULL)
		json_fault(doc, node, reterr, path, "%s", fault);
	pattern_free(p);
}
