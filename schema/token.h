#pragma once

/*
 * What a record of a program's output is made of: blanks, names and numbers,
 * independent of the locale. All bytes beyond ASCII belong to names, so that
 * none is cut; the reader takes out signs before.
 */
#include <stdbool.h>
#include <stddef.h>

/*
 * Space, tab and their like, and the backspaces with which some progress bars
 * go back to the beginning of their line.
 */
static inline bool token_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\b';
}

static inline bool token_is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [A-Za-z_] or a byte beyond ASCII, with which a name begins. */
static inline bool token_begins_name(char c)
{
	char lower = (char)(c | 0x20);

	return (lower >= 'a' && lower <= 'z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

/* [A-Za-z0-9_./-] or a byte beyond ASCII */
static inline bool token_is_name(char c)
{
	return token_begins_name(c) || (c >= '-' && c <= '9');
}

/* The first byte that is no blank, or @end. */
const char *token_skip_blanks(const char *p, const char *end);

/*
 * The end of the longest number that begins at @p, NULL if none does there:
 * [+-] (digits [. [digits]] | . digits) [e [+-] digits], or nan, inf, infinity
 * in any case. The value is correctly rounded; overflow is an infinity.
 */
const char *token_number(const char *p, const char *end, double *ret_v);

/*
 * True when a number may end at @p: at the end of the record, before a blank
 * or one of , ; | ) ] } / %, but not before the comma of "1,5". @cut: the
 * record goes on beyond @end, nobody knows how.
 */
bool token_ends_number(const char *p, const char *end, bool cut);

/* True when @p begins as a number does: a digit, maybe behind sign and point.
 */
bool token_looks_numeric(const char *p, const char *end);

/* True when @text is @word, or differs in case alone. */
bool token_is_word(const char *text, size_t len, const char *word);
