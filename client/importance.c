#include "importance.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/names.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#define NAME_WIDTH 20   /* of a parameter or a range, at most */
#define BAR_WIDTH  24   /* a share of 1, at most */
#define BAR_LEAST  8    /* the same, at least */
#define PARTS      12   /* of a curve, at most */
#define NOTHING    0.05 /* chance from which a share may be nothing */
#define DECADES    20   /* ratio of results from which their logs are shown */

static const char *const eighths[] = { "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" };
static const char *const levels[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };

/*
 * A line that ends at the terminal's edge: a piece that has no room there is
 * left out, since a number is whole or not there, and so is what follows it.
 */
struct row {
	struct buf line;
	bool is_full;
};

static size_t room_of(const struct out *o, const struct row *row)
{
	size_t used = out_text_width(buf_text(&row->line));
	size_t width = (size_t)o->width;

	return row->is_full || used > width ? 0 : width - used;
}

static void add_piece(const struct out *o, struct row *row, const char *text)
{
	if (out_text_width(text) <= room_of(o, row))
		buf_adds(&row->line, text);
	else
		row->is_full = true;
}

static void add_piecef(const struct out *o, struct row *row, const char *fmt,
		       ...) __attribute__((format(printf, 3, 4)));

static void add_piecef(const struct out *o, struct row *row, const char *fmt,
		       ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	add_piece(o, row, text);
}

/* A text, cut to its width and at the edge, and filled up to its width. */
static void add_text(const struct out *o, struct row *row, const char *text,
		     size_t width)
{
	auto_buf struct buf b = BUF_INIT;
	size_t room = room_of(o, row);

	width = width < room ? width : room;
	buf_adds(&b, text);
	out_shorten(&b, width, o->utf8);
	buf_addf(&row->line, "%s%*s", buf_text(&b),
		 (int)(width - out_text_width(buf_text(&b))), "");
}

static void print_row(struct out *o, struct row *row)
{
	struct buf *line = &row->line;

	while (line->len > 0 && line->data[line->len - 1] == ' ')
		line->data[--line->len] = '\0';
	out_hintf(o, "%s\n", buf_text(line));
	buf_free(line);
}

/* --- shares -----------------------------------------------------------------
 */

/* The share, and behind it what it may be, too. */
static void add_bar(struct out *o, struct buf *line, size_t width, double share,
		    double high)
{
	double cells = share * (double)width;
	size_t whole = (size_t)cells, end = (size_t)ceil(high * (double)width);
	size_t used = whole;

	for (size_t i = 0; i < whole; i++)
		buf_adds(line, o->utf8 ? "█" : "#");
	if (o->utf8 && whole < width) {
		const char *part =
		    eighths[(size_t)((cells - (double)whole) * 8)];

		buf_adds(line, part);
		used += *part != '\0';
	}
	for (; used < end && used < width; used++)
		buf_adds(line, o->utf8 ? "░" : "-");
	buf_addf(line, "%*s", (int)(width - used), "");
}

static double median_of(const cJSON *part)
{
	return json_get_number(part, "median", (double)NAN);
}

/*
 * The medians of the parts from the lowest number on, each as high as it ranks
 * among them: one that is far off would make the others look alike.
 */
static void add_sparkline(struct buf *line, const cJSON *curve)
{
	const cJSON *part, *other;
	int n = 0;

	cJSON_ArrayForEach (part, curve)
		n += !isnan(median_of(part));
	cJSON_ArrayForEach (part, curve) {
		int lower = 0;

		cJSON_ArrayForEach (other, curve)
			lower += median_of(other) < median_of(part);
		if (isnan(median_of(part)))
			buf_adds(line, "·");
		else
			buf_adds(line, levels[n > 1 ? 7 * lower / (n - 1) : 0]);
	}
}

/* What the columns take, of what the terminal has. */
struct shares {
	size_t name, bar;
};

static struct shares measure(const struct out *o, const cJSON *list)
{
	/* The numbers, the gaps, and a curve. */
	int others = 5 + 2 + 8 + 2 + 2 + 6 + (o->utf8 ? 2 + PARTS : 0);
	struct shares s = { .name = strlen("PARAMETER") };
	const cJSON *p;
	int bar;

	cJSON_ArrayForEach (p, list) {
		size_t w = out_text_width(json_get_text(p, "parameter"));

		s.name = w > s.name ? w : s.name;
	}
	s.name = s.name < NAME_WIDTH ? s.name : NAME_WIDTH;
	bar = o->width - (int)s.name - 2 - others;
	s.bar = bar < BAR_LEAST ? BAR_LEAST : (size_t)bar;
	s.bar = s.bar < BAR_WIDTH ? s.bar : BAR_WIDTH;
	return s;
}

static void print_share(struct out *o, const cJSON *p, const struct shares *s)
{
	double share = json_get_number(p, "share", 0);
	double high = json_get_number(p, "high", 0);
	auto_buf struct buf drawn = BUF_INIT;
	struct row row = { .line = BUF_INIT };

	add_text(o, &row, json_get_text(p, "parameter"), s->name);
	add_piecef(o, &row, "  %3.0f %%", 100 * share);
	add_piecef(o, &row, "  %2.0f-%3.0f %%",
		   100 * json_get_number(p, "low", 0), 100 * high);
	add_bar(o, &drawn, s->bar, share, high);
	add_piecef(o, &row, "  %s", buf_text(&drawn));
	add_piecef(o, &row, "  %6.2g", json_get_number(p, "chance", 1));
	if (o->utf8 && cJSON_GetArraySize(json_get(p, "curve")) <= PARTS) {
		buf_clear(&drawn);
		add_sparkline(&drawn, json_get(p, "curve"));
		add_piecef(o, &row, "  %s", buf_text(&drawn));
	}
	print_row(o, &row);
}

char *importance_text(const cJSON *result)
{
	const char *unknown = json_get_text(result, "unknown");
	struct buf b = BUF_INIT;
	size_t others = 0;
	const cJSON *p;

	if (unknown != NULL)
		return xstrdup(unknown);
	cJSON_ArrayForEach (p, json_get(result, "importance")) {
		if (json_get_number(p, "chance", 1) >= NOTHING) {
			others++;
			continue;
		}
		buf_addf(&b, "%s%s %.0f %%",
			 b.len == 0 ? "for being among the best: " : ", ",
			 json_get_text(p, "parameter"),
			 100 * json_get_number(p, "share", 0));
	}
	if (b.len == 0)
		return xstrdup("no parameter for certain");
	if (others > 0)
		buf_addf(&b, "; the other %zu may do nothing", others);
	return buf_take(&b);
}

void importance_print(struct out *o, const cJSON *result)
{
	const cJSON *list = json_get(result, "importance"), *p;
	struct shares s = measure(o, list);
	struct row row = { .line = BUF_INIT };
	bool is_nothing = false;
	const char *compared = json_get_text(result, "compared");

	out_hintf(o, "what divides the best of %lld trials from the others\n",
		  (long long)json_get_integer(result, "trials", 0));
	if (compared != NULL)
		out_hintf(o, "(by %s)\n", compared);
	out_hintf(o, "\n");
	add_text(o, &row, "PARAMETER", s.name);
	add_piece(o, &row, "  SHARE");
	add_piece(o, &row, "      90 %");
	add_piecef(o, &row, "  %*s", (int)s.bar, "");
	add_piece(o, &row, "  CHANCE");
	add_piece(o, &row, "  ");
	if (o->utf8)
		add_text(o, &row, json_get_text(result, "metric"),
			 LIMIT_NAME_BYTES);
	print_row(o, &row);
	cJSON_ArrayForEach (p, list) {
		print_share(o, p, &s);
		is_nothing =
		    is_nothing || json_get_number(p, "chance", 1) >= NOTHING;
	}
	if (is_nothing)
		out_hintf(o,
			  "\nwhere the chance is %g or more, the parameter may "
			  "do nothing\n",
			  NOTHING);
}

/* --- the results over one parameter
 * ---------------------------------------------
 */

struct scale {
	double low, high;
	bool is_log;
	size_t width;
};

static void widen(struct scale *s, double v)
{
	if (isnan(v))
		return;
	s->low = v < s->low ? v : s->low;
	s->high = v > s->high ? v : s->high;
}

/*
 * Shows all medians, and the better ends of their halves; what lies beyond on
 * the bad side would make the good ones look alike.
 */
static struct scale scale_of(const cJSON *curve, bool is_minimized, int width)
{
	struct scale s = { (double)INFINITY, -(double)INFINITY, false, 0 };
	const cJSON *part;

	cJSON_ArrayForEach (part, curve) {
		widen(&s, median_of(part));
		widen(&s, json_get_number(part, "quarter", (double)NAN));
	}
	s.is_log = is_minimized && s.low > 0 && s.high > DECADES * s.low;
	s.width = width > 1 ? (size_t)width : 1;
	return s;
}

/* A column of the picture, or -1 and the width for what lies outside. */
static int column(const struct scale *s, double v)
{
	double low = s->is_log ? log(s->low) : s->low;
	double high = s->is_log ? log(s->high) : s->high;
	double at;

	if (s->is_log)
		v = log(v);
	at = high > low ? (v - low) / (high - low) : 0.5;
	if (isnan(at) || at > 1)
		return (int)s->width;
	return at < 0 ? -1 : (int)nearbyint(at * (double)(s->width - 1));
}

static void add_box(struct out *o, struct buf *line, const struct scale *s,
		    const cJSON *part, bool is_minimized)
{
	double bad = is_minimized ? (double)INFINITY : -(double)INFINITY;
	int a = column(s, json_get_number(part, "quarter", bad));
	int m = column(s, json_get_number(part, "median", bad));
	int b = column(s, json_get_number(part, "three_quarters", bad));
	int left = a < b ? a : b, right = a < b ? b : a;

	for (int i = 0; i < (int)s->width; i++) {
		if (i == m)
			buf_adds(line, o->utf8 ? "●" : "o");
		else if (i == left || i == right)
			buf_adds(line, o->utf8 ? (i == left ? "├" : "┤") : "|");
		else if (i > left && i < right)
			buf_adds(line, o->utf8 ? "─" : "-");
		else
			buf_addc(line, ' ');
	}
	if (left < 0 || right >= (int)s->width)
		buf_adds(line, left < 0 ? "<" : ">");
}

static char *part_name(const cJSON *part)
{
	const cJSON *value = json_get(part, "value");
	struct buf b = BUF_INIT;

	if (value != NULL) {
		out_print_value(&b, OUT_VALUE, value);
		return buf_take(&b);
	}
	buf_addf(&b, "%.3g .. %.3g", json_get_number(part, "low", 0),
		 json_get_number(part, "high", 0));
	return buf_take(&b);
}

static void print_part(struct out *o, const struct scale *s, const cJSON *part,
		       size_t width, bool is_minimized)
{
	auto_free char *name = part_name(part);
	auto_buf struct buf box = BUF_INIT;
	struct row row = { .line = BUF_INIT };

	add_text(o, &row, name, width);
	add_piecef(o, &row, "  %6lld",
		   (long long)json_get_integer(part, "trials", 0));
	if (isnan(median_of(part)))
		add_piecef(o, &row, "  %9s", "-");
	else
		add_piecef(o, &row, "  %9.4g", median_of(part));
	add_box(o, &box, s, part, is_minimized);
	add_piecef(o, &row, "  %s", buf_text(&box));
	print_row(o, &row);
}

void importance_print_curve(struct out *o, const cJSON *result,
			    const cJSON *parameter)
{
	const cJSON *curve = json_get(parameter, "curve"), *part;
	bool is_minimized = strcmp(json_get_text(result, "goal"),
				   goal_name(GOAL_MINIMIZE)) == 0;
	struct row row = { .line = BUF_INIT };
	bool is_unknown = false;
	size_t width = 0;
	struct scale s;

	cJSON_ArrayForEach (part, curve) {
		auto_free char *name = part_name(part);
		size_t w = out_text_width(name);

		width = w > width ? w : width;
	}
	width = width < NAME_WIDTH ? width : NAME_WIDTH;
	s = scale_of(curve, is_minimized, o->width - (int)width - 22);
	out_hintf(o, "\n%s over %s%s\n\n", json_get_text(result, "metric"),
		  json_get_text(parameter, "parameter"),
		  s.is_log ? " (to the right by its logarithm)" : "");
	add_text(o, &row, "", width);
	add_piece(o, &row, "  TRIALS");
	add_piece(o, &row, "     MEDIAN");
	add_piece(o, &row, "  ");
	add_text(o, &row, "AND THE MIDDLE HALF", s.width);
	print_row(o, &row);
	cJSON_ArrayForEach (part, curve) {
		print_part(o, &s, part, width, is_minimized);
		is_unknown = is_unknown || isnan(median_of(part));
	}
	if (is_unknown)
		out_hintf(o, "\n-: half of the trials diverged or were stopped "
			     "early\n");
}
