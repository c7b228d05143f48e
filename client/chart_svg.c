/* Charts as one SVG document: no scripts, nothing from elsewhere; what a point
 * is shows when the pointer rests on it. */
#include "chart.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH       920 /* of the document, in pixels as all here */
#define MARGIN      24
#define GAP         28   /* between charts side by side */
#define WIDE_HEIGHT 330  /* of the area of a wide chart */
#define HEIGHT      190  /* of another */
#define BAR_HEIGHT  24   /* of a row of bars */
#define ABOVE       34   /* for the title of a chart */
#define BELOW       52   /* for its x axis */
#define LETTER      6.4  /* width of a character, about */
#define DOTS_MAX    2000 /* of a series; more would only be slow */

static const char style[] =
    "<style>\n"
    "text{font:11px system-ui,sans-serif;fill:#333}\n"
    ".head{font-size:17px;font-weight:600}\n"
    ".title{font-size:13px;font-weight:600}.strong{font-weight:600}\n"
    ".note{fill:#666}\n"
    ".right{text-anchor:end}.middle{text-anchor:middle}\n"
    ".grid{stroke:#e6e6e6}.axis{stroke:#888}\n"
    ".line{fill:none;stroke-width:1.2;stroke-linecap:round}\n"
    ".done{fill:#4477aa;fill-opacity:.7}\n"
    ".pruned{fill:#fff;fill-opacity:.5;stroke:#cc7722;stroke-width:1.4}\n"
    ".failed{fill:none;stroke:#cc3311;stroke-width:1.4}\n"
    ".best{fill:#117733;stroke:#fff}\n"
    ".line.best{fill:none;stroke:#117733;stroke-width:2.5}\n"
    ".median{stroke:#333;stroke-width:2}\n"
    ".line.median{fill:none;stroke:#333;stroke-dasharray:5 3}\n"
    ".faint{fill:#c4ccd6}\n"
    ".running{fill:#fff;stroke:#c88000;stroke-width:1.4}\n"
    ".line.running{fill:none}.dashed{stroke-dasharray:4 3}\n"
    ".halo{paint-order:stroke;stroke:#fff;stroke-width:3}\n"
    ".spread{stroke:#333}\n"
    "</style>\n";

/* Where the points of a chart go. */
struct area {
	struct buf *out;
	double x, y, width, height;
};

/* Text of a user: what XML takes for its own, and what it cannot hold. */
static void put_text(struct buf *b, const char *text)
{
	for (const char *s = text; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (*s == '&')
			buf_adds(b, "&amp;");
		else if (*s == '<')
			buf_adds(b, "&lt;");
		else if (*s == '>')
			buf_adds(b, "&gt;");
		else if (*s == '"')
			buf_adds(b, "&quot;");
		else if (c < 0x20 || c == 0x7F)
			buf_adds(b, "\xEF\xBF\xBD");
		else if (strncmp(s, "\xEF\xBF\xBE", 3) == 0 ||
			 strncmp(s, "\xEF\xBF\xBF", 3) == 0)
			s += 2;
		else
			buf_addc(b, *s);
	}
}

static void label(struct buf *b, double x, double y, const char *class,
		  const char *text, size_t max)
{
	auto_buf struct buf cut = BUF_INIT;

	buf_adds(&cut, text);
	out_shorten(&cut, max, true);
	buf_addf(b, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_text(b, buf_text(&cut));
	buf_adds(b, "</text>\n");
}

static void line(struct buf *b, double x0, double y0, double x1, double y1,
		 const char *class)
{
	buf_addf(b,
		 "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" "
		 "class=\"%s\"/>\n",
		 x0, y0, x1, y1, class);
}

static const char *class_of(const struct chart_series *s)
{
	switch (s->class) {
	case CHART_PRUNED:
		return "pruned";
	case CHART_FAILED:
		return "failed";
	case CHART_BEST:
		return "best";
	case CHART_MEDIAN:
		return "median";
	case CHART_FAINT:
		return "faint";
	case CHART_RUNNING:
		return "running";
	case CHART_RANKED:
		return "ranked";
	case CHART_DONE:
		break;
	}
	return "done";
}

/* From deep blue over light blue to grey. */
static void put_rank_colour(struct buf *b, double rank)
{
	static const double stops[3][3] = {
		{8,    81,  156},
                { 107, 174, 214},
                { 205, 205, 205}
	};
	int i = rank < 0.5 ? 0 : 1;
	double t = fmin(fmax(rank, 0), 1) * 2 - i;

	buf_adds(b, "rgb(");
	for (int k = 0; k < 3; k++)
		buf_addf(b, "%s%.0f", k > 0 ? "," : "",
			 stops[i][k] + t * (stops[i + 1][k] - stops[i][k]));
	buf_adds(b, ")");
}

static double x_of(const struct area *a, double place)
{
	return a->x + fmin(fmax(place, 0), 1) * a->width;
}

static double y_of(const struct area *a, double place)
{
	return a->y + (1 - fmin(fmax(place, 0), 1)) * a->height;
}

/* --- points and lines -------------------------------------------------------
 */

static void put_hint(struct buf *b, const struct chart *c,
		     const struct chart_point *p)
{
	auto_buf struct buf text = BUF_INIT;

	if (p->trial >= 0)
		buf_addf(&text, "trial %lld", (long long)p->trial);
	if (c->n_uprights == 0 && c->x.label != NULL && p->trial != p->x) {
		buf_addf(&text, ", %s ", c->x.label);
		axis_print(&c->x, p->x, &text);
	}
	if (c->n_uprights == 0 && c->y.label != NULL && !isnan(p->y)) {
		buf_addf(&text, ", %s ", c->y.label);
		axis_print(&c->y, p->y, &text);
	}
	if (p->low < p->high) {
		buf_adds(&text, " (");
		axis_print(&c->y, p->low, &text);
		buf_adds(&text, " to ");
		axis_print(&c->y, p->high, &text);
		buf_addc(&text, ')');
	}
	buf_adds(b, "<title>");
	put_text(b, buf_text(&text));
	buf_adds(b, "</title>");
}

static void put_dot(struct buf *b, const struct chart_series *s, double x,
		    double y, double place)
{
	const char *class = s->class == CHART_RANKED ? "done" : class_of(s);

	if (s->class == CHART_FAILED)
		buf_addf(b, "<path d=\"M%.1f %.1fl6 6m0-6l-6 6\" class=\"%s\">",
			 x - 3, y - 3, class);
	else if (place > 1 + 1e-9)
		buf_addf(b, "<path d=\"M%.1f %.1fl4 7h-8z\" class=\"%s\">", x,
			 y - 3, class);
	else if (place < -1e-9)
		buf_addf(b, "<path d=\"M%.1f %.1fl4-7h-8z\" class=\"%s\">", x,
			 y + 3, class);
	else
		buf_addf(b,
			 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" "
			 "class=\"%s\">",
			 x, y, s->class == CHART_BEST ? "5.5" : "3", class);
}

static void draw_dots(const struct area *a, const struct chart *c,
		      const struct chart_series *s)
{
	size_t every = 1 + s->n / DOTS_MAX;

	for (size_t i = 0; i < s->n; i += every) {
		const struct chart_point *p = &s->points[i];
		double x = chart_x(c, p), y = chart_y(c, p);

		if (isnan(x))
			continue;
		if (isnan(y))
			y = c->low_is_bad ? 0 : 1;
		put_dot(a->out, s, x_of(a, x), y_of(a, y), y);
		put_hint(a->out, c, p);
		buf_addf(a->out, "</%s>\n",
			 s->class == CHART_FAILED || y > 1 + 1e-9 || y < -1e-9
			     ? "path"
			     : "circle");
	}
}

/*
 * One path: M begins a stretch (h0 shows it if it is a point), L goes on, H and
 * V are the stairs of steps.
 */
static void draw_line(const struct area *a, const struct chart *c,
		      const struct chart_series *s)
{
	struct buf *b = a->out;
	bool is_begun = false;

	buf_adds(b, "<path d=\"");
	for (size_t i = 0; i < s->n; i++) {
		const struct chart_point *p = &s->points[i];
		double x = x_of(a, chart_x(c, p)), place = chart_y(c, p);
		double y;

		if (isnan(place) && c->n_uprights == 0) {
			is_begun = false;
			continue;
		}
		y = isnan(place) ? a->y + a->height + 14 : y_of(a, place);
		if (!is_begun)
			buf_addf(b, "M%.1f %.1fh0", x, y);
		else if (s->mark == CHART_STEPS)
			buf_addf(b, "H%.1fV%.1f", x, y);
		else
			buf_addf(b, "L%.1f %.1f", x, y);
		is_begun = true;
	}
	buf_addf(b, "\" class=\"line %s\"", class_of(s));
	if (s->class == CHART_RANKED) {
		buf_adds(b, " stroke=\"");
		put_rank_colour(b, s->rank);
		buf_addc(b, '"');
	}
	buf_addc(b, '>');
	if (s->n > 0 && s->mark == CHART_LINE)
		put_hint(b, &(struct chart){ .n_uprights = 1 }, &s->points[0]);
	buf_adds(b, "</path>\n");
}

static void draw_medians(const struct area *a, const struct chart *c,
			 const struct chart_series *s)
{
	double half = 0.35 * a->width / (c->x.max - c->x.min);

	for (size_t i = 0; i < s->n; i++) {
		double x = x_of(a, axis_place(&c->x, s->points[i].x));
		double place = chart_y(c, &s->points[i]);
		double y = y_of(a, place);

		if (place >= 0 && place <= 1)
			line(a->out, x - half, y, x + half, y, "median");
	}
}

static void draw_bars(const struct area *a, const struct chart *c,
		      const struct chart_series *s)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct chart_point *p = &s->points[i];
		double x = x_of(a, chart_x(c, p)), y = y_of(a, chart_y(c, p));

		buf_addf(a->out,
			 "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
			 "height=\"14\" class=\"%s\"/>\n",
			 a->x, y - 7, x - a->x, class_of(s));
		line(a->out, x_of(a, axis_place(&c->x, p->low)), y,
		     x_of(a, axis_place(&c->x, p->high)), y, "spread");
	}
}

/* Of places: what has none on a logarithmic axis is below all of it. */
static double y_within(const struct area *a, double place)
{
	return y_of(a, isnan(place) ? 0 : place);
}

static void draw_forecast(const struct area *a, const struct chart *c,
			  const struct chart_series *s)
{
	const struct chart_point *p = &s->points[s->n - 1];
	double high = axis_place(&c->y, p->high);
	double low = axis_place(&c->y, p->low);
	double place = chart_y(c, p);
	double x = x_of(a, chart_x(c, p)), y = y_within(a, place);

	if (s->n > 1)
		buf_addf(a->out,
			 "<path d=\"M%.1f %.1fL%.1f %.1f\" "
			 "class=\"line running dashed\"/>\n",
			 x_of(a, chart_x(c, s->points)),
			 y_within(a, chart_y(c, s->points)), x, y);
	buf_addf(a->out, "<path d=\"M%.1f %.1fV%.1f", x, y_within(a, low),
		 y_within(a, high));
	if (low >= 0)
		buf_addf(a->out, "M%.1f %.1fh8", x - 4, y_within(a, low));
	if (high <= 1)
		buf_addf(a->out, "M%.1f %.1fh8", x - 4, y_within(a, high));
	buf_adds(a->out, "\" class=\"line running\"/>\n");
	put_dot(a->out, s, x, y, place);
	put_hint(a->out, c, p);
	buf_adds(a->out, place > 1 + 1e-9 || place < -1e-9 ? "</path>\n"
							   : "</circle>\n");
}

static void draw_series(const struct area *a, const struct chart *c,
			const struct chart_series *s)
{
	enum chart_mark mark = s->mark;

	/* A curve may have one point. */
	if (mark == CHART_LINE && s->n == 1)
		mark = CHART_DOTS;
	switch (mark) {
	case CHART_DOTS:
		draw_dots(a, c, s);
		break;
	case CHART_MEDIANS:
		draw_medians(a, c, s);
		break;
	case CHART_BARS:
		draw_bars(a, c, s);
		break;
	case CHART_FORECAST:
		draw_forecast(a, c, s);
		break;
	case CHART_LINE:
	case CHART_STEPS:
		draw_line(a, c, s);
		break;
	}
}

/* What the best point is, beside it. */
static void name_best(const struct area *a, const struct chart *c)
{
	const struct chart_series *s = &c->series[c->n_series - 1];
	auto_buf struct buf text = BUF_INIT;
	double x, y;
	bool is_left;

	if (!c->is_wide || s->class != CHART_BEST || s->mark != CHART_DOTS)
		return;
	x = x_of(a, chart_x(c, s->points));
	y = y_of(a, chart_y(c, s->points));
	is_left = x > a->x + 0.75 * a->width;
	buf_addf(&text, "trial %lld: ", (long long)s->points->trial);
	axis_print(&c->y, s->points->y, &text);
	label(a->out, x + (is_left ? -9 : 9),
	      y + (y > a->y + a->height / 2 ? 17 : -9),
	      is_left ? "strong right" : "strong", buf_text(&text), 60);
}

/* --- axes -------------------------------------------------------------------
 */

static double letters(const struct chart_axis *axis, size_t n,
		      const double *ticks)
{
	double most = 2;

	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;

		axis_print(axis, ticks[i], &b);
		most = fmax(most, (double)out_text_width(buf_text(&b)));
	}
	return fmin(most, 24);
}

static void draw_x_axis(const struct area *a, const struct chart_axis *axis)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(axis, (size_t)(a->width / 64), ticks);
	double bottom = a->y + a->height;
	double slot = n > 0 ? a->width / (double)n : a->width;
	size_t fits = (size_t)(slot / LETTER);
	/* Long names take turns on two lines. */
	bool in_turns =
	    axis->names != NULL && letters(axis, n, ticks) > (double)fits - 2;

	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;
		double x = x_of(a, axis_place(axis, ticks[i]));

		axis_print(axis, ticks[i], &b);
		if (axis->names == NULL)
			line(a->out, x, a->y, x, bottom, "grid");
		line(a->out, x, bottom, x, bottom + 4, "axis");
		label(a->out, x, bottom + (in_turns && i % 2 == 1 ? 28 : 16),
		      "middle", buf_text(&b), in_turns ? 2 * fits : fits + 4);
	}
	line(a->out, a->x, bottom, a->x + a->width, bottom, "axis");
	if (axis->label != NULL)
		label(a->out, a->x + a->width / 2,
		      bottom + (in_turns ? 42 : 34), "middle note", axis->label,
		      60);
}

static void draw_y_axis(const struct area *a, const struct chart_axis *axis,
			size_t n, const double *ticks)
{
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;
		double y = y_of(a, axis_place(axis, ticks[i]));

		axis_print(axis, ticks[i], &b);
		if (axis->names == NULL)
			line(a->out, a->x, y, a->x + a->width, y, "grid");
		label(a->out, a->x - 8, y + 4, "right", buf_text(&b), 24);
	}
	line(a->out, a->x, a->y, a->x, a->y + a->height, "axis");
}

static double area_height(const struct chart *c)
{
	if (c->y.names != NULL)
		return BAR_HEIGHT * (double)c->y.n_names;
	return c->is_wide ? WIDE_HEIGHT : HEIGHT;
}

static void draw_xy(struct buf *b, const struct chart *c, double x, double y,
		    double width)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(&c->y, c->is_wide ? 8 : 5, ticks);
	double left = letters(&c->y, n, ticks) * LETTER + 34;
	struct area a = { b, x + left, y + ABOVE, width - left,
			  area_height(c) };

	if (c->y.label != NULL) {
		buf_addf(b,
			 "<g transform=\"translate(%.1f %.1f) rotate(-90)\">",
			 x + 12, a.y + a.height / 2);
		label(b, 0, 0, "middle note", c->y.label, 60);
		buf_adds(b, "</g>\n");
	}
	draw_x_axis(&a, &c->x);
	draw_y_axis(&a, &c->y, n, ticks);
	for (size_t i = 0; i < c->n_series; i++)
		draw_series(&a, c, &c->series[i]);
	if (c->n_series > 0)
		name_best(&a, c);
}

static void draw_upright(const struct area *a, const struct chart_axis *axis,
			 double x, size_t fits)
{
	double ticks[CHART_TICKS];
	size_t n = axis_ticks(axis, 6, ticks);

	line(a->out, x, a->y, x, a->y + a->height, "axis");
	label(a->out, x, a->y - 10, "middle strong", axis->label, fits);
	for (size_t i = 0; i < n; i++) {
		auto_buf struct buf b = BUF_INIT;
		double y = y_of(a, axis_place(axis, ticks[i]));

		axis_print(axis, ticks[i], &b);
		line(a->out, x - 3, y, x, y, "axis");
		label(a->out, x - 5, y + 4, "right halo", buf_text(&b),
		      fits - 1);
	}
}

static void draw_parallel(struct buf *b, const struct chart *c, double x,
			  double y, double width)
{
	double spacing = width / (double)c->n_uprights;
	struct area a = { b, x + spacing * 0.7, y + ABOVE + 18, width - spacing,
			  WIDE_HEIGHT };
	size_t fits = (size_t)fmax(spacing / LETTER, 3);

	for (size_t i = 0; i < c->n_series; i++)
		draw_series(&a, c, &c->series[i]);
	for (size_t i = 0; i < c->n_uprights; i++) {
		struct chart_point p = { .x = (double)i };

		draw_upright(&a, &c->uprights[i], x_of(&a, chart_x(c, &p)),
			     fits);
	}
}

/* --- the whole --------------------------------------------------------------
 */

static void draw_chart(struct buf *b, const struct chart *c, double x, double y,
		       double width)
{
	label(b, x, y + 14, "title", c->title, (size_t)(width / 7));
	if (c->n_uprights > 0)
		draw_parallel(b, c, x, y, width);
	else
		draw_xy(b, c, x, y, width);
}

/* Draws all charts from @y on; returns where they end. */
static double draw_charts(struct buf *b, const struct plot *p, double y)
{
	double half = (WIDTH - 2 * MARGIN - GAP) / 2.0;
	double row = 0;
	int column = 0;

	for (size_t i = 0; i < p->n_charts; i++) {
		const struct chart *c = &p->charts[i];
		double height = ABOVE + area_height(c) + BELOW +
				(c->n_uprights > 0 ? 18 : 0);

		if (column > 0 && (c->is_wide || column == 2)) {
			y += row;
			column = 0;
		}
		draw_chart(b, c, MARGIN + column * (half + GAP), y,
			   c->is_wide ? WIDTH - 2 * MARGIN : half);
		row = column > 0 ? fmax(row, height) : height;
		column = c->is_wide ? 2 : column + 1;
	}
	return y + row;
}

static void put_key(struct buf *b, const struct chart_series *s, double x,
		    double y)
{
	if (s->mark == CHART_FORECAST)
		buf_addf(b,
			 "<path d=\"M%.1f %.1fh16\" "
			 "class=\"line running dashed\"/>\n",
			 x, y);
	if (s->mark == CHART_DOTS || s->mark == CHART_FORECAST) {
		put_dot(b, s, x + 8, y, 0.5);
		buf_adds(b, s->class == CHART_FAILED ? "</path>\n"
						     : "</circle>\n");
	} else if (s->mark == CHART_BARS) {
		buf_addf(b,
			 "<rect x=\"%.1f\" y=\"%.1f\" width=\"16\" "
			 "height=\"10\" class=\"%s\"/>\n",
			 x, y - 5, class_of(s));
	} else if (s->class != CHART_RANKED) {
		buf_addf(b, "<path d=\"M%.1f %.1fh16\" class=\"%s%s\"/>\n", x,
			 y, s->mark == CHART_MEDIANS ? "" : "line ",
			 class_of(s));
	} else {
		buf_addf(b,
			 "<path d=\"M%.1f %.1fh16\" class=\"line\" stroke=\"",
			 x, y);
		/* That of the middle of its third. */
		put_rank_colour(b, (floor(fmin(s->rank, 0.99) * 3) + 0.5) / 3);
		buf_adds(b, "\"/>\n");
	}
}

static double draw_legend(struct buf *b, const struct plot *p, double y)
{
	const struct chart_series *s;
	double x = MARGIN;

	for (size_t i = 0; (s = plot_legend(p, i)) != NULL; i++) {
		double width = 46 + LETTER * (double)out_text_width(s->name);

		if (x > MARGIN && x + width > WIDTH) {
			x = MARGIN;
			y += 20;
		}
		put_key(b, s, x, y);
		label(b, x + 22, y + 4, "key", s->name, 60);
		x += width;
	}
	return y + 20;
}

void chart_svg(struct buf *b, const struct plot *p)
{
	auto_buf struct buf body = BUF_INIT;
	double y;

	label(&body, MARGIN, 38, "head", p->title, 110);
	y = draw_charts(&body, p, 60);
	y = draw_legend(&body, p, y + 12);
	for (size_t i = 0; i < p->n_notes; i++, y += 18)
		label(&body, MARGIN, y + 4, "note", p->notes[i], 150);
	buf_addf(b,
		 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		 "height=\"%.0f\" viewBox=\"0 0 %d %.0f\" role=\"img\">\n"
		 "<title>",
		 WIDTH, y + 10, WIDTH, y + 10);
	put_text(b, p->title);
	buf_adds(b, "</title>\n");
	buf_adds(b, style);
	buf_adds(b, "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n");
	buf_add(b, body.data, body.len);
	buf_adds(b, "</svg>\n");
}
