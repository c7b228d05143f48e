#include "out.h"

#include "schema/json.h"
#include "schema/mem.h"

#include <langinfo.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#define FALLBACK_WIDTH 80

/*
 * Widths are counted as UTF-8 whatever the locale says, since names and values
 * are UTF-8; whether "…" may be printed is the locale's to say.
 */
static bool set_locale(void)
{
	if (setlocale(LC_CTYPE, "") != NULL &&
	    strcmp(nl_langinfo(CODESET), "UTF-8") == 0)
		return true;
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	return false;
}

void out_measure(struct out *o)
{
	struct winsize size;

	o->width = 0;
	if (!isatty(fileno(o->file)))
		return;
	o->width = FALLBACK_WIDTH;
	if (ioctl(fileno(o->file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		o->width = size.ws_col;
}

void out_init(struct out *o, bool json)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	o->ops = json ? &out_json_ops : &out_table_ops;
	o->file = stdout;
	o->utf8 = set_locale();
	out_measure(o);
	o->colour = o->width > 0 && (no_colour == NULL || *no_colour == '\0') &&
		    term != NULL && strcmp(term, "dumb") != 0;
}

void out_textf(struct out *o, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	o->ops->text(o, text);
}

void out_hintf(struct out *o, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	o->ops->hint(o, text);
}

size_t out_next_character(const char *s, size_t *ret_width)
{
	mbstate_t state = { 0 };
	wchar_t c;
	size_t n = mbrtowc(&c, s, strlen(s), &state);
	int width;

	*ret_width = 1;
	if (n == 0 || n >= (size_t)-2)
		return 1;
	width = wcwidth(c);
	*ret_width = width < 0 ? 1 : (size_t)width;
	return n;
}

size_t out_text_width(const char *text)
{
	size_t sum = 0, width;

	while (*text != '\0') {
		text += out_next_character(text, &width);
		sum += width;
	}
	return sum;
}

void out_shorten(struct buf *text, size_t width, bool utf8)
{
	const char *mark = utf8 ? "…" : "...";
	size_t mark_width = utf8 ? 1 : 3;
	const char *s = buf_text(text);
	size_t at = 0, used = 0;

	if (out_text_width(s) <= width)
		return;
	if (width < mark_width)
		mark = "";
	while (s[at] != '\0') {
		size_t w;
		size_t n = out_next_character(s + at, &w);

		if (used + w + (*mark != '\0' ? mark_width : 0) > width)
			break;
		used += w;
		at += n;
	}
	text->len = at;
	buf_adds(text, mark);
}

/* A text from elsewhere cannot move the cursor of whoever reads it. */
static void print_visibly(struct buf *b, const char *s)
{
	while (*s != '\0') {
		size_t width;
		size_t n = out_next_character(s, &width);
		unsigned char c = (unsigned char)*s;

		if (n > 1 && !(c == 0xC2 && (unsigned char)s[1] < 0xA0))
			buf_add(b, s, n);
		else if (n == 1 && c >= 0x20 && c < 0x7F)
			buf_addc(b, *s);
		else
			for (size_t i = 0; i < n; i++)
				buf_addf(b, "\\x%02x", (unsigned char)s[i]);
		s += n;
	}
}

void out_print_seconds(struct buf *b, double seconds)
{
	int64_t s;

	if (!isfinite(seconds) || seconds < 0 || seconds > 1e12) {
		buf_adds(b, "-");
		return;
	}
	s = (int64_t)seconds;
	if (seconds < 0.95)
		buf_addf(b, "%.2gs", seconds);
	else if (seconds < 9.95)
		buf_addf(b, "%.1fs", seconds);
	else if (s < 60)
		buf_addf(b, "%llds", (long long)s);
	else if (s < 3600)
		buf_addf(b, "%lldm%02llds", (long long)(s / 60),
			 (long long)(s % 60));
	else if (s < 86400)
		buf_addf(b, "%lldh%02lldm", (long long)(s / 3600),
			 (long long)(s / 60 % 60));
	else
		buf_addf(b, "%lldd%02lldh", (long long)(s / 86400),
			 (long long)(s / 3600 % 24));
}

static void print_bytes(struct buf *b, double bytes)
{
	static const char units[] = "BKMGTP";
	size_t u = 0;

	while (bytes >= 1024 && units[u + 1] != '\0') {
		bytes /= 1024;
		u++;
	}
	buf_addf(b, bytes < 10 && u > 0 ? "%.1f%c" : "%.0f%c", bytes, units[u]);
}

/* "2026-11-23T22:29:10.123Z" as local time; other texts as they are. */
static void print_time(struct buf *b, const char *text)
{
	struct tm tm = { 0 };
	char local[32];
	time_t t;

	if (strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) == NULL) {
		print_visibly(b, text);
		return;
	}
	t = timegm(&tm);
	if (localtime_r(&t, &tm) != NULL &&
	    strftime(local, sizeof(local), "%F %T", &tm) > 0)
		buf_adds(b, local);
}

static bool is_whole(double v)
{
	return fabs(v) < 0x1p53 && floor(v) == v;
}

/* @digits significant ones; whole numbers are never rounded. */
static void print_rounded(struct buf *b, double v, int digits)
{
	if (is_whole(v))
		buf_addf(b, "%.0f", v);
	else
		buf_addf(b, "%.*g", digits, v);
}

static void print_params(struct buf *b, const cJSON *params)
{
	const cJSON *p;
	const char *gap = "";

	cJSON_ArrayForEach (p, params) {
		buf_adds(b, gap);
		print_visibly(b, p->string);
		buf_addc(b, '=');
		if (cJSON_IsNumber(p))
			print_rounded(b, p->valuedouble, 5);
		else if (cJSON_IsNull(p))
			buf_adds(b, "null");
		else
			out_print_value(b, OUT_TEXT, p);
		gap = " ";
	}
}

static void print_number(struct buf *b, enum out_kind kind, double v)
{
	switch (kind) {
	case OUT_SECONDS:
		out_print_seconds(b, v);
		return;
	case OUT_MS:
		out_print_seconds(b, v / 1000);
		return;
	case OUT_BYTES:
		print_bytes(b, v);
		return;
	case OUT_TIME:
	case OUT_TEXT:
	case OUT_COUNT:
	case OUT_VALUE:
	case OUT_PARAMS:
	case OUT_LONG:
	case OUT_RUN:
	case OUT_RUNS:
		print_rounded(b, v, 6);
		return;
	}
}

void out_print_value(struct buf *b, enum out_kind kind, const cJSON *v)
{
	auto_buf struct buf exact = BUF_INIT;

	if (v == NULL || cJSON_IsNull(v)) {
		buf_addc(b, '-');
		return;
	}
	if (kind == OUT_PARAMS && cJSON_IsObject(v)) {
		print_params(b, v);
		return;
	}
	if (kind == OUT_TIME && cJSON_IsString(v)) {
		print_time(b, v->valuestring);
		return;
	}
	if (cJSON_IsNumber(v)) {
		print_number(b, kind, v->valuedouble);
		return;
	}
	out_print_exact(&exact, v);
	print_visibly(b, exact.len > 0 ? exact.data : "-");
}

void out_print_exact(struct buf *b, const cJSON *v)
{
	char number[JSON_NUMBER_BYTES];
	auto_free char *json = NULL;

	if (v == NULL || cJSON_IsNull(v))
		return;
	if (cJSON_IsString(v) || cJSON_IsRaw(v)) {
		buf_adds(b, v->valuestring);
	} else if (cJSON_IsNumber(v) && is_whole(v->valuedouble)) {
		buf_addf(b, "%.0f", v->valuedouble);
	} else if (cJSON_IsNumber(v)) {
		buf_adds(b, json_number_text(v->valuedouble, number));
	} else {
		json = json_print(v);
		buf_adds(b, json);
	}
}
