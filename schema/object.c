#include "schema/object.h"

#include "schema/mem.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

bool object_check(const struct object *o, const char *example)
{
	auto_free char *brief = NULL;

	if (cJSON_IsObject(o->node))
		return true;
	brief = json_brief(o->node);
	json_fault(o->doc, o->node, o->reterr, o->path,
		   "is %s (must be an object, as %s)", brief, example);
	return false;
}

static const char *find_hint(const struct object_hint *hints, const char *word)
{
	for (; hints != NULL && hints->word != NULL; hints++) {
		if (strcmp(hints->word, word) == 0)
			return hints->instead;
	}
	return NULL;
}

/* "a", "b" @and "c" */
static void list_words(struct buf *b, const char *const *words, const char *and)
{
	for (size_t i = 0; words[i] != NULL; i++) {
		if (i > 0)
			buf_adds(b, words[i + 1] == NULL ? and : ", ");
		buf_addf(b, "\"%s\"", words[i]);
	}
}

static bool is_among(const char *word, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcmp(*words, word) == 0)
			return true;
	}
	return false;
}

void object_check_keys(const struct object *o, const char *what,
		       const char *const *keys, const struct object_hint *hints)
{
	const cJSON *member;

	cJSON_ArrayForEach (member, o->node) {
		auto_buf struct buf remedy = BUF_INIT;
		auto_free char *path = NULL;
		const char *hint = find_hint(hints, member->string);
		const char *nearest;

		if (is_among(member->string, keys))
			continue;
		nearest = diag_nearest(member->string, keys);
		if (hint != NULL) {
			buf_adds(&remedy, hint);
		} else if (nearest != NULL) {
			buf_addf(&remedy, "did you mean \"%s\"?", nearest);
		} else {
			buf_adds(&remedy, "it has ");
			list_words(&remedy, keys, " and ");
		}
		path = object_path(o, member->string);
		json_fault_name(o->doc, member, o->reterr, path,
				"is no key of %s (%s)", what,
				buf_text(&remedy));
	}
}

/* A key that a path can hold as it is. */
static bool is_plain(const char *key)
{
	return key[0] != '\0' && strlen(key) <= 64 &&
	       key[strspn(key, "abcdefghijklmnopqrstuvwxyz"
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.")] ==
		   '\0';
}

char *object_path(const struct object *o, const char *key)
{
	struct buf b = BUF_INIT;

	buf_adds(&b, o->path);
	if (is_plain(key)) {
		buf_addf(&b, "%s%s", b.len > 0 ? "." : "", key);
	} else {
		auto_json cJSON *node = cJSON_CreateString(key);
		auto_free char *brief = json_brief(node);

		buf_addf(&b, "[%s]", brief);
	}
	return buf_take(&b);
}

void object_fault(const struct object *o, const char *key, const char *fmt, ...)
{
	const cJSON *node = json_get(o->node, key);
	auto_free char *path = object_path(o, key);
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = xvasprintf(fmt, ap);
	va_end(ap);
	json_fault(o->doc, node != NULL ? node : o->node, o->reterr, path, "%s",
		   text);
}

bool object_require(const struct object *o, const char *key, const char *what)
{
	if (json_get(o->node, key) != NULL)
		return true;
	object_fault(o, key, "is missing (%s)", what);
	return false;
}

bool object_member(const struct object *o, const char *key, const char *path,
		   struct object *ret_member)
{
	*ret_member = (struct object){
		.doc = o->doc,
		.node = json_get(o->node, key),
		.path = path,
		.reterr = o->reterr,
	};
	return ret_member->node != NULL;
}

/* The member is there but not as it must be. */
static void mistyped(const struct object *o, const char *key, const char *what)
{
	auto_free char *brief = json_brief(json_get(o->node, key));

	object_fault(o, key, "is %s (must be %s)", brief, what);
}

bool object_text(const struct object *o, const char *key, const char **ret)
{
	const cJSON *node = json_get(o->node, key);

	if (node == NULL)
		return false;
	if (!cJSON_IsString(node)) {
		mistyped(o, key, "a string");
		return false;
	}
	*ret = node->valuestring;
	return true;
}

bool object_bool(const struct object *o, const char *key, bool *ret)
{
	const cJSON *node = json_get(o->node, key);

	if (node == NULL)
		return false;
	if (!cJSON_IsBool(node)) {
		mistyped(o, key, "true or false");
		return false;
	}
	*ret = cJSON_IsTrue(node);
	return true;
}

bool object_number(const struct object *o, const char *key, double *ret)
{
	const cJSON *node = json_get(o->node, key);

	if (node == NULL)
		return false;
	if (!cJSON_IsNumber(node)) {
		mistyped(o, key, "a number");
		return false;
	}
	*ret = node->valuedouble + 0.0; /* no -0 */
	return true;
}

/* Bounds of 2^53 mean: whatever JSON holds exactly. */
static char *describe_integers(int64_t min, int64_t max)
{
	int64_t exact = (int64_t)1 << 53;

	return max >= exact
		   ? min <= -exact
			 ? xstrdup("a whole number from -2^53 to 2^53")
			 : xasprintf("a whole number from %lld to 2^53",
				     (long long)min)
		   : xasprintf("a whole number from %lld to %lld",
			       (long long)min, (long long)max);
}

bool object_integer(const struct object *o, const char *key, int64_t min,
		    int64_t max, int64_t *ret)
{
	const cJSON *node = json_get(o->node, key);
	auto_free char *what = NULL;
	int64_t v;

	if (node == NULL)
		return false;
	if (json_int(o->doc, node, &v) && v >= min && v <= max) {
		*ret = v;
		return true;
	}
	what = describe_integers(min, max);
	/* Beyond 2^53 the tree no longer has what is written. */
	if (json_int(o->doc, node, &v))
		object_fault(o, key, "is %lld (must be %s)", (long long)v,
			     what);
	else
		mistyped(o, key, what);
	return false;
}

bool object_word(const struct object *o, const char *key,
		 const char *const *words, const struct object_hint *hints,
		 int *ret)
{
	auto_buf struct buf what = BUF_INIT;
	const char *word, *hint, *nearest;

	if (!object_text(o, key, &word))
		return false;
	for (int i = 0; words[i] != NULL; i++) {
		if (strcmp(words[i], word) == 0) {
			*ret = i;
			return true;
		}
	}
	list_words(&what, words, " or ");
	hint = find_hint(hints, word);
	nearest = diag_nearest(word, words);
	if (hint != NULL)
		buf_addf(&what, "; %s", hint);
	else if (nearest != NULL)
		buf_addf(&what, "; did you mean \"%s\"?", nearest);
	mistyped(o, key, buf_text(&what));
	return false;
}
