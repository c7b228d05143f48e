#pragma once

/*
 * Characters on a grid, for charts on a terminal. A cell holds a character, or
 * dots of braille (2 x 4 a cell; quotes and full stops where the locale has no
 * UTF-8), which a character hides. What lies outside is left out.
 */
#include "out.h"

enum canvas_style {
	CANVAS_PLAIN,
	CANVAS_BOLD,
	CANVAS_FRAME, /* axes */
	CANVAS_BEST,
	CANVAS_GOOD,
	CANVAS_MIDDLE,
	CANVAS_POOR,
	CANVAS_PRUNED,
	CANVAS_FAILED,
	CANVAS_RUNNING,
	CANVAS_STYLES,
};

struct canvas;

struct canvas *canvas_new(int width, int height, bool utf8);
void canvas_free(struct canvas *c);

/* One character of one column; @ascii where the locale has no UTF-8. */
void canvas_put(struct canvas *c, int x, int y, enum canvas_style style,
		const char *utf8, char ascii);
/*
 * A text from @x on, cut to @width columns. Returns the columns it takes.
 */
int canvas_text(struct canvas *c, int x, int y, enum canvas_style style,
		const char *text, int width);
/* Keeps what is drawn from now on inside; braille and lines alone. */
void canvas_clip(struct canvas *c, int x, int y, int width, int height);
/*
 * A straight line of braille dots; in dots: 2 a column, 4 a row. From not far
 * outside to not far outside: each dot is a step.
 */
void canvas_line(struct canvas *c, double x0, double y0, double x1, double y1,
		 enum canvas_style style);
/* Lines ended without blanks, in colours if @o has them. */
void canvas_print(const struct canvas *c, struct out *o);
