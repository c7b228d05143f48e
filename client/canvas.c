#include "canvas.h"

#include "schema/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CHARACTER_BYTES 8

struct cell {
	char text[CHARACTER_BYTES]; /* "": dots */
	unsigned char dots;         /* as in U+2800 + dots */
	unsigned char style, dots_style;
	bool is_hidden; /* the second column of the one before */
};

struct canvas {
	int width, height;
	int clip_x, clip_y, clip_width, clip_height;
	bool utf8;
	struct cell cells[];
};

static const char *const codes[CANVAS_STYLES] = {
	[CANVAS_PLAIN] = "",          [CANVAS_BOLD] = "\033[1m",
	[CANVAS_FRAME] = "\033[2m",   [CANVAS_BEST] = "\033[1;32m",
	[CANVAS_GOOD] = "\033[36m",   [CANVAS_MIDDLE] = "\033[94m",
	[CANVAS_POOR] = "\033[90m",   [CANVAS_PRUNED] = "\033[33m",
	[CANVAS_FAILED] = "\033[31m", [CANVAS_RUNNING] = "\033[33m",
};

struct canvas *canvas_new(int width, int height, bool utf8)
{
	size_t n = (size_t)width * (size_t)height;
	struct canvas *c = xcalloc(1, sizeof(*c) + n * sizeof(struct cell));

	c->width = width;
	c->height = height;
	c->utf8 = utf8;
	canvas_clip(c, 0, 0, width, height);
	return c;
}

void canvas_free(struct canvas *c)
{
	free(c);
}

static struct cell *cell_at(struct canvas *c, int x, int y)
{
	if (x < 0 || y < 0 || x >= c->width || y >= c->height)
		return NULL;
	return &c->cells[(size_t)y * (size_t)c->width + (size_t)x];
}

static void set(struct canvas *c, int x, int y, enum canvas_style style,
		const char *text, size_t n)
{
	struct cell *cell = cell_at(c, x, y);

	if (cell == NULL || n >= CHARACTER_BYTES)
		return;
	memcpy(cell->text, text, n);
	cell->text[n] = '\0';
	cell->style = (unsigned char)style;
	cell->is_hidden = false;
}

void canvas_put(struct canvas *c, int x, int y, enum canvas_style style,
		const char *utf8, char ascii)
{
	if (c->utf8)
		set(c, x, y, style, utf8, strlen(utf8));
	else
		set(c, x, y, style, &ascii, 1);
}

int canvas_text(struct canvas *c, int x, int y, enum canvas_style style,
		const char *text, int width)
{
	auto_buf struct buf b = BUF_INIT;
	int at = 0;

	if (width <= 0)
		return 0;
	buf_adds(&b, text);
	out_shorten(&b, (size_t)width, c->utf8);
	for (const char *s = buf_text(&b); *s != '\0';) {
		size_t columns;
		size_t n = out_next_character(s, &columns);

		if (columns > 0)
			set(c, x + at, y, style, s, n);
		if (columns > 1 && cell_at(c, x + at + 1, y) != NULL)
			cell_at(c, x + at + 1, y)->is_hidden = true;
		at += (int)columns;
		s += n;
	}
	return at;
}

void canvas_clip(struct canvas *c, int x, int y, int width, int height)
{
	c->clip_x = x;
	c->clip_y = y;
	c->clip_width = width;
	c->clip_height = height;
}

static void dot(struct canvas *c, int x, int y, enum canvas_style style)
{
	static const unsigned char bits[4][2] = {
		{0x01,  0x08},
                { 0x02, 0x10},
                { 0x04, 0x20},
                { 0x40, 0x80}
	};
	int column = x / 2 - c->clip_x, row = y / 4 - c->clip_y;
	struct cell *cell;

	if (x < 0 || y < 0 || column < 0 || row < 0 ||
	    column >= c->clip_width || row >= c->clip_height)
		return;
	cell = cell_at(c, x / 2, y / 4);
	if (cell == NULL)
		return;
	cell->dots |= bits[y % 4][x % 2];
	cell->dots_style = (unsigned char)style;
}

void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1,
		 enum canvas_style style)
{
	double length = fmax(fabs(x1 - x0), fabs(y1 - y0));
	int n = (int)ceil(length);

	/* So that it is told from better ones without colours, too. */
	int every = style == CANVAS_POOR ? 2 : 1;

	for (int i = 0; i <= n; i += every) {
		double t = n > 0 ? (double)i / n : 0;

		dot(c, (int)floor(x0 + t * (x1 - x0)),
		    (int)floor(y0 + t * (y1 - y0)), style);
	}
}

/* Braille, or what is left of it: the dots' upper and lower half. */
static void print_dots(const struct canvas *c, unsigned char dots,
		       struct buf *b)
{
	bool upper = (dots & 0x1B) != 0, lower = (dots & 0xE4) != 0;

	if (dots == 0)
		buf_addc(b, ' ');
	else if (c->utf8)
		buf_addf(b, "\xE2%c%c", 0xA0 + (dots >> 6),
			 0x80 + (dots & 0x3F));
	else
		buf_addc(b, upper && lower ? ':' : upper ? '\'' : '.');
}

static void print_row(const struct canvas *c, int y, bool colour,
		      struct buf *line)
{
	const struct cell *row = &c->cells[(size_t)y * (size_t)c->width];
	unsigned char style = CANVAS_PLAIN;
	int end = c->width;

	while (end > 0 && row[end - 1].text[0] == '\0' &&
	       row[end - 1].dots == 0 && !row[end - 1].is_hidden)
		end--;
	for (int x = 0; x < end; x++) {
		unsigned char wanted =
		    row[x].text[0] != '\0' ? row[x].style : row[x].dots_style;

		if (row[x].is_hidden)
			continue;
		if (colour && wanted != style) {
			buf_adds(line, style != CANVAS_PLAIN ? "\033[0m" : "");
			buf_adds(line, codes[wanted]);
			style = wanted;
		}
		if (row[x].text[0] != '\0')
			buf_adds(line, row[x].text);
		else
			print_dots(c, row[x].dots, line);
	}
	if (colour && style != CANVAS_PLAIN)
		buf_adds(line, "\033[0m");
	buf_addc(line, '\n');
}

void canvas_print(const struct canvas *c, struct out *o)
{
	for (int y = 0; y < c->height; y++) {
		auto_buf struct buf line = BUF_INIT;

		print_row(c, y, o->colour, &line);
		o->ops->text(o, buf_text(&line));
	}
}
