/* Charts drawn with characters: frames and lines of box drawing, braille for
 * what there is much of, one character a trial for the rest. */
#include "canvas.h"
#include "chart.h"

#include "schema/mem.h"

#include <math.h>
#include <string.h>

#define WIDTH      80  /* where there is no terminal */
#define NARROWEST  20  /* narrower terminals wrap */
#define WIDEST     200 /* beyond, more columns show nothing more */
#define WIDE_ROWS  15  /* of the area of a wide chart */
#define ROWS       8   /* of another */
#define GRID_WIDTH 38  /* of a chart in a grid at least */
#define GAP        2   /* between charts side by side */
#define CURVES     15  /* in a chart; more would be a tangle */
#define TOP_LINES  10  /* between parallel axes */
#define DASH       8   /* dots from one to the next */

/* Where the points of a chart go. */
struct area {
	struct canvas *canvas;
	int x, y, width, height;
};

struct glyph {
	enum canvas_style style;
	const char *utf8;
	char ascii;
};

static struct glyph glyph_of(const struct chart_series *s)
{
	switch (s->class) {
	case CHART_BEST:
		return (struct glyph){ CANVAS_BEST, "●", '@' };
	case CHART_PRUNED:
		return (struct glyph){ CANVAS_PRUNED, "○", '~' };
	case CHART_FAILED:
		return (struct glyph){ CANVAS_FAILED, "×", 'x' };
	case CHART_RANKED:
		return (struct glyph){ s->rank < 1.0 / 3   ? CANVAS_GOOD
				       : s->rank < 2.0 / 3 ? CANVAS_MIDDLE
							   : CANVAS_POOR,
				       "•", 'o' };
	case CHART_MEDIAN:
		return (struct glyph){ CANVAS_BOLD, "━", '=' };
	case CHART_FAINT:
		return (struct glyph){ CANVAS_POOR, "░", '=' };
	case CHART_RUNNING:
		if (s->mark == CHART_FORECAST)
			return (struct glyph){ CANVAS_RUNNING, "◆", '*' };
		return (struct glyph){ CANVAS_RUNNING, "•", 'o' };
	case CHART_DONE:
		break;
	}
	return (struct glyph){ CANVAS_MIDDLE, "•", 'o' };
}

/* Of places 0 to 1; what lies outside stays just outside. */
static double dot_x(const struct area *a, double place)
{
	return 2 * a->x + fmin(fmax(place, 0), 1) * (2 * a->width - 1);
}

static double dot_y(const struct area *a, double place)
{
	return 4 * a->y +
	       (1 - fmin(fmax(place, -0.2), 1.2)) * (4 * a->height - 1);
}

static int column_of(const struct area *a, double place)
{
	return (int)floor(dot_x(a, place) / 2);
}

static int row_of(const struct area *a, double place)
{
	return (int)floor(dot_y(a, place) / 4);
}

/* --- points and lines -------------------------------------------------------
 */

static void draw_dots(const struct area *a, const struct chart *c,
		      const struct chart_series *s)
{
	struct glyph g = glyph_of(s);

	for (size_t i = 0; i < s->n; i++) {
		double x = chart_x(c, &s->points[i]);
		double y = chart_y(c, &s->points[i]);
		struct glyph own = g;

		if (isnan(x))
			continue;
		if (isnan(y))
			y = c->low_is_bad ? 0 : 1;
		else if (y > 1 + 1e-9 && s->class != CHART_FAILED)
			own = (struct glyph){ g.style, "▲", '^' };
		else if (y < -1e-9 && s->class != CHART_FAILED)
			own = (struct glyph){ g.style, "▼", 'v' };
		y = fmin(fmax(y, 0), 1);
		canvas_put(a->canvas, column_of(a, x), row_of(a, y), own.style,
			   own.utf8, own.ascii);
	}
}

static void draw_thin(const struct area *a, const struct chart *c,
		      const struct chart_series *s)
{
	enum canvas_style style = glyph_of(s).style;

	canvas_clip(a->canvas, a->x, a->y, a->width, a->height);
	for (size_t i = 0; i < s->n; i++) {
		const struct chart_point *p = &s->points[i];
		const struct chart_point *q = i + 1 < s->n ? p + 1 : p;
		double y = chart_y(c, p), next = chart_y(c, q);

		if (isnan(y))
			continue;
		if (isnan(next)) {
			next = y;
			q = p;
		}
		canvas_line(a->canvas, dot_x(a, chart_x(c, p)), dot_y(a, y),
			    dot_x(a, chart_x(c, q)), dot_y(a, next), style);
	}
}

/* The height of a line at @place, or NaN before its begin and after its end. */
static double height_at(const struct chart *c, const struct chart_series *s,
			double place)
{
	for (size_t i = s->n; i-- > 0;) {
		double x = chart_x(c, &s->points[i]);
		double y = chart_y(c, &s->points[i]);
		double next_x, next_y;

		if (x > place)
			continue;
		if (i + 1 == s->n)
			return s->mark == CHART_STEPS || x == place
				   ? y
				   : (double)NAN;
		if (s->mark == CHART_STEPS)
			return y;
		next_x = chart_x(c, &s->points[i + 1]);
		next_y = chart_y(c, &s->points[i + 1]);
		return next_x > x
			   ? y + (next_y - y) * (place - x) / (next_x - x)
			   : y;
	}
	return (double)NAN;
}

/* From row @from to @to in one column. */
static void draw_turn(const struct area *a, int x, int from, int to,
		      enum canvas_style style)
{
	bool down = to > from;

	canvas_put(a->canvas, x, from, style, down ? "╮" : "╯", '+');
	canvas_put(a->canvas, x, to, style, down ? "╰" : "╭", '+');
	for (int y = down ? from + 1 : to + 1; y < (down ? to : from); y++)
		canvas_put(a->canvas, x, y, style, "│", '|');
}

static void draw_thick(const struct area *a, const struct chart *c,
		       const struct chart_series *s)
{
	enum canvas_style style = glyph_of(s).style;
	int before = -1;

	for (int i = 0; i < a->width; i++) {
		/* In its middle, or what steps have come to at its end. */
		double dot = 2 * i + (s->mark == CHART_STEPS ? 1.999 : 1);
		double place = dot / (2 * a->width - 1);
		double y = height_at(c, s, place);
		int row = isnan(y) ? -1 : row_of(a, fmin(fmax(y, 0), 1));

		if (row >= 0 && before >= 0 && row != before)
			draw_turn(a, a->x + i, before, row, style);
		else if (row >= 0)
			canvas_put(a->canvas, a->x + i, row, style, "─", '-');
		before = row;
	}
}

/* One from 0 to @x, and where it may end beyond. */
static void draw_bar(const struct area *a, const struct chart *c,
		     const struct chart_point *p, const struct glyph *g)
{
	static const char *const eighths[] = { "",  "▏", "▎", "▍",
					       "▌", "▋", "▊", "▉" };
	double place = fmin(fmax(chart_x(c, p), 0), 1);
	double end = fmin(fmax(axis_place(&c->x, p->high), 0), 1);
	int row = row_of(a, chart_y(c, p));
	int n = (int)lround(place * 8 * a->width);
	bool is_faint = g->style == CANVAS_POOR;

	for (int x = n / 8; x < (int)(end * a->width); x++)
		canvas_put(a->canvas, a->x + x, row, CANVAS_FRAME,
			   x + 1 < (int)(end * a->width) ? "─" : "┤", '-');
	for (int x = 0; x < n / 8; x++)
		canvas_put(a->canvas, a->x + x, row, g->style,
			   is_faint ? "░" : "█", is_faint ? '=' : '#');
	if (n % 8 > 0 && !is_faint)
		canvas_put(a->canvas, a->x + n / 8, row, g->style,
			   eighths[n % 8], '#');
}

static void draw_bars(const struct area *a, const struct chart *c,
		      const struct chart_series *s)
{
	struct glyph g = glyph_of(s);

	for (size_t i = 0; i < s->n; i++)
		draw_bar(a, c, &s->points[i], &g);
}

static void draw_medians(const struct area *a, const struct chart *c,
			 const struct chart_series *s)
{
	double half = 0.35 / (c->x.max - c->x.min);

	for (size_t i = 0; i < s->n; i++) {
		double x = axis_place(&c->x, s->points[i].x);
		double y = chart_y(c, &s->points[i]);

		if (y < 0 || y > 1)
			continue;
		for (int k = column_of(a, x - half);
		     k <= column_of(a, x + half); k++)
			canvas_put(a->canvas, k, row_of(a, y), CANVAS_BOLD, "━",
				   '=');
	}
}

/* Of places: what has none on a logarithmic axis is below all of it. */
static double within(double place)
{
	return isnan(place) ? 0 : fmin(fmax(place, 0), 1);
}

static void draw_dashes(const struct area *a, const struct chart *c,
			const struct chart_point *from,
			const struct chart_point *to, enum canvas_style style)
{
	double x0 = dot_x(a, chart_x(c, from)), x1 = dot_x(a, chart_x(c, to));
	double y0 = dot_y(a, within(chart_y(c, from)));
	double y1 = dot_y(a, within(chart_y(c, to)));
	int n = 1 + (int)(hypot(x1 - x0, y1 - y0) / DASH);

	canvas_clip(a->canvas, a->x, a->y, a->width, a->height);
	for (int i = 0; i < n; i++) {
		double t = (double)i / n, u = (i + 0.4) / n;

		canvas_line(a->canvas, x0 + t * (x1 - x0), y0 + t * (y1 - y0),
			    x0 + u * (x1 - x0), y0 + u * (y1 - y0), style);
	}
}

static void draw_forecast(const struct area *a, const struct chart *c,
			  const struct chart_series *s)
{
	const struct chart_point *p = &s->points[s->n - 1];
	double high = axis_place(&c->y, p->high);
	double low = axis_place(&c->y, p->low);
	struct glyph g = glyph_of(s);
	int x = column_of(a, chart_x(c, p));
	int top = row_of(a, within(high)), bottom = row_of(a, within(low));

	if (s->n > 1)
		draw_dashes(a, c, s->points, p, g.style);
	for (int y = top; y <= bottom; y++)
		canvas_put(a->canvas, x, y, g.style, "│", '|');
	if (high <= 1)
		canvas_put(a->canvas, x, top, g.style, "┬", '-');
	if (low >= 0)
		canvas_put(a->canvas, x, bottom, g.style, "┴", '-');
	canvas_put(a->canvas, x, row_of(a, within(chart_y(c, p))), g.style,
		   g.utf8, g.ascii);
}

static void draw_series(const struct area *a, const struct chart *c,
			const struct chart_series *s)
{
	/* A curve may have one point. */
	if (s->mark == CHART_DOTS || (s->mark == CHART_LINE && s->n == 1))
		draw_dots(a, c, s);
	else if (s->mark == CHART_BARS)
		draw_bars(a, c, s);
	else if (s->mark == CHART_MEDIANS)
		draw_medians(a, c, s);
	else if (s->mark == CHART_FORECAST)
		draw_forecast(a, c, s);
	else if (s->class == CHART_BEST)
		draw_thick(a, c, s);
	else
		draw_thin(a, c, s);
}

/* --- two axes ---------------------------------------------------------------
 */

/* What the labels of the y axis take. */
static int label_width(const struct chart_axis *axis, size_t n,
		       const double *ticks, int max)
{
	int width = 0;

	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;
		int w;

		axis_print(axis, ticks[i], &b);
		w = (int)out_text_width(buf_text(&b));
		width = w > width ? w : width;
	}
	return width < max ? width : max;
}

static void draw_y_axis(const struct area *a, const struct chart_axis *axis,
			size_t n, const double *ticks, int width)
{
	for (int y = 0; y < a->height; y++)
		canvas_put(a->canvas, a->x - 1, a->y + y, CANVAS_FRAME, "│",
			   '|');
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;
		int row = row_of(a, axis_place(axis, ticks[i]));
		int w;

		axis_print(axis, ticks[i], &b);
		w = (int)out_text_width(buf_text(&b));
		w = w < width ? w : width;
		canvas_text(a->canvas, a->x - 2 - w, row, CANVAS_PLAIN,
			    buf_text(&b), width);
		canvas_put(a->canvas, a->x - 1, row, CANVAS_FRAME, "┤", '+');
	}
}

/* Long names take turns on two lines. */
static bool takes_turns(const struct chart_axis *axis, int width)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(axis, CHART_TICKS, ticks);

	return axis->names != NULL && n > 1 &&
	       label_width(axis, n, ticks, width) > width / (int)n - 1;
}

static void draw_x_axis(const struct area *a, const struct chart_axis *axis)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(axis, (size_t)a->width / 8, ticks);
	bool in_turns = takes_turns(axis, a->width);
	int slot = axis->names != NULL && n > 0 ? a->width / (int)n : a->width;
	int y = a->y + a->height;
	int free_from[2] = { a->x - 1, a->x - 1 };

	canvas_put(a->canvas, a->x - 1, y, CANVAS_FRAME, "└", '+');
	for (int x = 0; x < a->width; x++)
		canvas_put(a->canvas, a->x + x, y, CANVAS_FRAME, "─", '-');
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;
		int column = column_of(a, axis_place(axis, ticks[i]));
		int turn = in_turns ? (int)(i % 2) : 0;
		int max = (in_turns ? 2 * slot : slot) - 1;
		int width, x;

		canvas_put(a->canvas, column, y, CANVAS_FRAME, "┬", '+');
		axis_print(axis, ticks[i], &b);
		width = (int)out_text_width(buf_text(&b));
		width = width < max ? width : max;
		x = column - width / 2;
		if (x + width > a->x + a->width)
			x = a->x + a->width - width;
		if (x < free_from[turn] && in_turns)
			x = free_from[turn];
		if (x < free_from[turn])
			continue;
		free_from[turn] =
		    x + 1 +
		    canvas_text(a->canvas, x, y + 1 + turn, CANVAS_PLAIN,
				buf_text(&b), width);
	}
}

static int area_rows(const struct chart *c)
{
	if (c->y.names != NULL)
		return (int)c->y.n_names;
	return c->is_wide ? WIDE_ROWS : ROWS;
}

/* From the title to the last label, in so many columns. */
static int rows_of(const struct chart *c, int width)
{
	if (c->n_uprights > 0)
		return WIDE_ROWS + 3;
	return area_rows(c) + 3 + (c->is_wide && c->x.label != NULL) +
	       takes_turns(&c->x, width - 6);
}

/* Of many curves some, evenly: each rank is seen, and none hides the others. */
static bool is_drawn(const struct chart *c, size_t i)
{
	size_t from_best = c->n_series - 1 - i;

	return c->series[i].class != CHART_RANKED ||
	       from_best % (1 + c->n_series / CURVES) == 0;
}

static void draw_xy(struct canvas *canvas, const struct chart *c, int x, int y,
		    int width)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(&c->y, c->is_wide ? 7 : 3, ticks);
	/* Names may be cut, numbers not. */
	int labels = label_width(&c->y, n, ticks,
				 c->y.names != NULL ? width / 3 : width / 2);
	struct area a = { canvas, x + labels + 2, y + 1, width - labels - 2,
			  area_rows(c) };

	draw_y_axis(&a, &c->y, n, ticks, labels);
	draw_x_axis(&a, &c->x);
	for (size_t i = 0; i < c->n_series; i++)
		if (is_drawn(c, i))
			draw_series(&a, c, &c->series[i]);
	if (c->is_wide && c->x.label != NULL) {
		int w = (int)out_text_width(c->x.label);

		w = w < a.width ? w : a.width;
		canvas_text(canvas, a.x + (a.width - w) / 2, a.y + a.height + 2,
			    CANVAS_FRAME, c->x.label, a.width);
	}
}

/* --- parallel axes ----------------------------------------------------------
 */

static void draw_centred(struct canvas *canvas, int x, int y, int width,
			 enum canvas_style style, const char *text)
{
	int w = (int)out_text_width(text);

	w = w < width ? w : width;
	canvas_text(canvas, x - w / 2, y, style, text, width);
}

static void draw_upright(const struct area *a, const struct chart_axis *axis,
			 int x, int width)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(axis, 3, ticks);

	for (int y = 0; y < a->height; y++)
		canvas_put(a->canvas, x, a->y + y, CANVAS_FRAME, "│", '|');
	draw_centred(a->canvas, x, a->y - 1, width - 1, CANVAS_BOLD,
		     axis->label);
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;

		axis_print(axis, ticks[i], &b);
		if (axis->names == NULL &&
		    (int)out_text_width(buf_text(&b)) > width - 2)
			continue;
		canvas_text(a->canvas, x + 1,
			    row_of(a, axis_place(axis, ticks[i])), CANVAS_FRAME,
			    buf_text(&b), width - 2);
	}
}

/* Of the lines the best, of the others where they cross an axis. */
static void draw_crossing(const struct area *a, const struct chart *c,
			  const struct chart_series *s, bool is_line)
{
	struct glyph g = glyph_of(s);

	for (size_t i = 0; i < s->n; i++) {
		double x = chart_x(c, &s->points[i]);
		double y = chart_y(c, &s->points[i]);
		int row = isnan(y) ? a->y + a->height
				   : row_of(a, fmin(fmax(y, 0), 1));
		double next_y, next_x;

		if (!is_line || s->class == CHART_BEST)
			canvas_put(a->canvas, column_of(a, x), row, g.style,
				   g.utf8, g.ascii);
		if (!is_line || i + 1 == s->n)
			continue;
		next_x = chart_x(c, &s->points[i + 1]);
		next_y = chart_y(c, &s->points[i + 1]);
		canvas_line(
		    a->canvas, dot_x(a, x), 4 * row + 2, dot_x(a, next_x),
		    4 * (isnan(next_y) ? a->y + a->height
				       : row_of(a, fmin(fmax(next_y, 0), 1))) +
			2,
		    g.style);
	}
}

static void draw_parallel(struct canvas *canvas, const struct chart *c, int x,
			  int y, int width)
{
	int n = (int)c->n_uprights, spacing = width / n;
	struct area a = { canvas, x + spacing / 2, y + 2, (n - 1) * spacing + 1,
			  WIDE_ROWS - 1 };

	for (int i = 0; i < n; i++)
		draw_upright(&a, &c->uprights[i], a.x + i * spacing, spacing);
	canvas_clip(canvas, a.x, a.y, a.width, a.height + 1);
	for (size_t i = 0; i < c->n_series; i++)
		draw_crossing(&a, c, &c->series[i],
			      c->n_series - i <= TOP_LINES);
}

/* --- the whole --------------------------------------------------------------
 */

static void draw_chart(struct canvas *canvas, const struct chart *c, int x,
		       int width)
{
	canvas_text(canvas, x, 0, CANVAS_BOLD, c->title, width);
	if (c->n_uprights > 0)
		draw_parallel(canvas, c, x, 0, width);
	else
		draw_xy(canvas, c, x, 0, width);
}

/* How many charts from @first on share a row of the grid. */
static size_t charts_beside(const struct plot *p, size_t first, int columns)
{
	size_t n = 1;

	while (!p->charts[first].is_wide && n < (size_t)columns &&
	       first + n < p->n_charts && !p->charts[first + n].is_wide)
		n++;
	return n;
}

/* Returns how many charts were drawn. */
static size_t print_grid_row(struct out *o, const struct plot *p, size_t first,
			     int width)
{
	int columns = width / GRID_WIDTH > 1 ? width / GRID_WIDTH : 1;
	int each = (width - GAP * (columns - 1)) / columns;
	size_t n = charts_beside(p, first, columns);
	struct canvas *canvas;
	int rows = 0;

	if (p->charts[first].is_wide)
		each = width;
	for (size_t i = 0; i < n; i++) {
		int own = rows_of(&p->charts[first + i], each);

		rows = own > rows ? own : rows;
	}
	canvas = canvas_new(width, rows, o->utf8);
	for (size_t i = 0; i < n; i++)
		draw_chart(canvas, &p->charts[first + i], (int)i * (each + GAP),
			   each);
	canvas_print(canvas, o);
	canvas_free(canvas);
	return n;
}

static void print_entry(struct out *o, const struct chart_series *s, int width,
			struct canvas **canvas, int *at)
{
	bool is_dot = s->mark == CHART_DOTS || s->mark == CHART_FORECAST;
	int needs = (int)out_text_width(s->name) + (is_dot ? 2 : 3);
	struct glyph g = glyph_of(s);

	if (*canvas != NULL && *at + needs > width) {
		canvas_print(*canvas, o);
		canvas_free(*canvas);
		*canvas = NULL;
	}
	if (*canvas == NULL) {
		*canvas = canvas_new(width, 1, o->utf8);
		*at = 2;
	}
	if (is_dot)
		canvas_put(*canvas, *at, 0, g.style, g.utf8, g.ascii);
	else if (s->mark == CHART_MEDIANS)
		for (int i = 0; i < 2; i++)
			canvas_put(*canvas, *at + i, 0, CANVAS_BOLD, "━", '=');
	else if (s->mark == CHART_BARS)
		for (int i = 0; i < 2; i++)
			canvas_put(*canvas, *at + i, 0, g.style,
				   s->class == CHART_FAINT ? "░" : "█",
				   s->class == CHART_FAINT ? '=' : '#');
	else if (s->class == CHART_BEST)
		for (int i = 0; i < 2; i++)
			canvas_put(*canvas, *at + i, 0, g.style, "─", '-');
	else
		canvas_line(*canvas, 2 * *at, 2, 2 * *at + 3, 2, g.style);
	*at += is_dot ? 2 : 3;
	*at += canvas_text(*canvas, *at, 0, CANVAS_PLAIN, s->name, width - *at);
	*at += 3;
}

static void print_legend(struct out *o, const struct plot *p, int width)
{
	const struct chart_series *s;
	struct canvas *canvas = NULL;
	int at = 0;

	for (size_t i = 0; (s = plot_legend(p, i)) != NULL; i++)
		print_entry(o, s, width, &canvas, &at);
	if (canvas != NULL)
		canvas_print(canvas, o);
	canvas_free(canvas);
}

/* Broken at blanks; the lines after the first begin where the words do. */
static void print_wrapped(struct out *o, const char *text, int width)
{
	int indent = (int)strspn(text, " ");
	auto_free char *words = xstrdup(text);
	char *rest = NULL;
	int at = 0;

	for (char *w = strtok_r(words, " ", &rest); w != NULL;
	     w = strtok_r(NULL, " ", &rest)) {
		int own = (int)out_text_width(w);

		if (at > 0 && at + 1 + own > width) {
			out_textf(o, "\n");
			at = 0;
		}
		out_textf(o, "%*s%s", at > 0 ? 1 : indent, "", w);
		at += (at > 0 ? 1 : indent) + own;
	}
	out_textf(o, "\n");
}

static void print_note(struct out *o, const char *text, int width)
{
	auto_free char *line = xasprintf("  %s", text);

	print_wrapped(o, line, width);
}

static void print_what_is_left_out(struct out *o, const struct plot *p,
				   int width)
{
	for (size_t i = 0; i < p->n_charts; i++) {
		const struct chart *c = &p->charts[i];
		auto_free char *text = NULL;
		size_t ranked = 0, drawn = 0;

		for (size_t k = 0; k < c->n_series; k++) {
			ranked += c->series[k].class == CHART_RANKED;
			drawn +=
			    c->series[k].class == CHART_RANKED &&
			    (c->n_uprights > 0 ? c->n_series - k <= TOP_LINES
					       : is_drawn(c, k));
		}
		if (drawn == ranked)
			continue;
		text = xasprintf("%zu of %zu other lines are drawn; --svg "
				 "draws all",
				 drawn, ranked);
		print_note(o, text, width);
	}
}

void chart_text(struct out *o, const struct plot *p)
{
	int width = o->width == 0          ? WIDTH
		    : o->width < NARROWEST ? NARROWEST
		    : o->width > WIDEST    ? WIDEST
					   : o->width;
	size_t i = 0;

	print_wrapped(o, p->title, width);
	while (i < p->n_charts) {
		out_textf(o, "\n");
		i += print_grid_row(o, p, i, width);
	}
	if (p->n_charts > 0)
		out_textf(o, "\n");
	print_legend(o, p, width);
	print_what_is_left_out(o, p, width);
	for (i = 0; i < p->n_notes; i++)
		print_note(o, p->notes[i], width);
}
