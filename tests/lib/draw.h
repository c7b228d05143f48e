#pragma once

#include <stdint.h>

/* As unit/draw.py draws, which makes the tables of expected values. */
static uint64_t draw_state = 1;

static inline int64_t draw(int64_t n)
{
	draw_state = draw_state * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((draw_state >> 33) % (uint64_t)n);
}
