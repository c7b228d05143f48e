#include "apply.h"

#include "why.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- printing ---------------------------------------------------------------
 */

static void print_spaced(struct buf *b, const cJSON *node)
{
	bool is_object = cJSON_IsObject(node);
	const cJSON *child;

	if (!is_object && !cJSON_IsArray(node)) {
		json_write(b, node);
		return;
	}
	buf_addc(b, is_object ? '{' : '[');
	cJSON_ArrayForEach (child, node) {
		if (child != node->child)
			buf_adds(b, ", ");
		if (is_object) {
			json_write_text(b, child->string);
			buf_adds(b, ": ");
		}
		print_spaced(b, child);
	}
	buf_addc(b, is_object ? '}' : ']');
}

/* Its members in lines, those of "parameters" too. */
static void print_members(struct buf *b, const cJSON *object, int indent)
{
	const cJSON *m;

	buf_adds(b, "{\n");
	cJSON_ArrayForEach (m, object) {
		buf_addf(b, "%*s", indent + 2, "");
		json_write_text(b, m->string);
		buf_adds(b, ": ");
		if (indent == 0 && strcmp(m->string, "parameters") == 0)
			print_members(b, m, 2);
		else
			print_spaced(b, m);
		buf_adds(b, m->next != NULL ? ",\n" : "\n");
	}
	buf_addf(b, "%*s}", indent, "");
}

char *apply_print(const cJSON *root)
{
	struct buf b = BUF_INIT;

	print_members(&b, root, 0);
	buf_addc(&b, '\n');
	return buf_take(&b);
}

/* --- the difference ----------------------------------------------------------
 */

struct lines {
	char **list;
	size_t n;
};

static struct lines split(const char *text)
{
	struct lines l = { 0 };

	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		l.list = xreallocarray(l.list, l.n + 2, sizeof(*l.list));
		l.list[l.n++] = xstrndup(text, len);
		l.list[l.n] = NULL;
		text += len;
		text += *text == '\n';
	}
	return l;
}

/* @common [before + 1][after + 1]: lines that the rests have in common. */
static void fill_common(const struct lines *a, const struct lines *b,
			uint32_t *common)
{
	size_t width = b->n + 1;

	for (size_t i = a->n; i-- > 0;) {
		for (size_t k = b->n; k-- > 0;) {
			uint32_t *c = &common[i * width + k];

			if (strcmp(a->list[i], b->list[k]) == 0)
				*c = c[width + 1] + 1;
			else
				*c = c[width] > c[1] ? c[width] : c[1];
		}
	}
}

void apply_diff(const char *before, const char *after, struct buf *ret)
{
	struct lines a = split(before), b = split(after);
	size_t width = b.n + 1, i = 0, k = 0;
	auto_free uint32_t *common =
	    xcalloc((a.n + 1) * width, sizeof(*common));

	fill_common(&a, &b, common);
	while (i < a.n || k < b.n) {
		const uint32_t *c = &common[i * width + k];

		if (i < a.n && k < b.n && strcmp(a.list[i], b.list[k]) == 0) {
			i++;
			k++;
		} else if (i < a.n && (k == b.n || c[width] >= c[1])) {
			buf_addf(ret, "-%s\n", a.list[i++]);
		} else {
			buf_addf(ret, "+%s\n", b.list[k++]);
		}
	}
	strv_free(a.list);
	strv_free(b.list);
}

/* --- the changes
 * ---------------------------------------------------------------
 */

static cJSON *member(cJSON *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool is_same(const cJSON *a, const cJSON *b)
{
	return cJSON_Compare(a, b, true);
}

/* True if something is left of the list. */
static bool drop_value(cJSON *list, const cJSON *value)
{
	for (int i = cJSON_GetArraySize(list); i-- > 0;) {
		if (is_same(cJSON_GetArrayItem(list, i), value))
			cJSON_DeleteItemFromArray(list, i);
	}
	return cJSON_GetArraySize(list) > 0;
}

/* True if the condition can still hold. */
static bool drop_from_condition(cJSON *condition, const cJSON *value)
{
	if (cJSON_IsArray(condition))
		return drop_value(condition, value);
	return condition == NULL || !is_same(condition, value);
}

/* Parameters that were there for this choice alone go with it. */
static void drop_choice(cJSON *parameters, const char *name, const cJSON *value)
{
	cJSON *p, *next;

	(void)drop_value(member(member(parameters, name), "values"), value);
	for (p = parameters->child; p != NULL; p = next) {
		next = p->next;
		if (!drop_from_condition(member(member(p, "when"), name),
					 value))
			cJSON_DeleteItemFromObjectCaseSensitive(parameters,
								p->string);
	}
}

/* Of two that narrow an end the narrower stands; else the first. */
static void set_end(cJSON *p, const cJSON *was, const char *end,
		    const cJSON *to)
{
	double sign = strcmp(end, "min") == 0 ? 1 : -1;
	double v = sign * to->valuedouble;
	double now = sign * json_get_number(p, end, 0);
	double before = sign * json_get_number(was, end, 0);

	if (now == before || (now > before && v > now))
		cJSON_ReplaceItemInObjectCaseSensitive(
		    p, end, cJSON_Duplicate(to, true));
}

/* @was: the parameters of the file as they were. */
static void change(cJSON *parameters, const cJSON *was, const cJSON *what)
{
	const char *name = json_get_text(what, "parameter");
	cJSON *p = member(parameters, name);
	const cJSON *before = json_get(was, name), *c;

	cJSON_ArrayForEach (c, what) {
		if (strcmp(c->string, "without") == 0)
			drop_choice(parameters, name, c);
		else if (strcmp(c->string, "min") == 0 ||
			 strcmp(c->string, "max") == 0)
			set_end(p, before, c->string, c);
		else if (strcmp(c->string, "value") == 0)
			cJSON_ReplaceItemInObjectCaseSensitive(
			    p, "value", cJSON_Duplicate(c, true));
	}
}

/* The first fault of a search file, or NULL; new. */
static char *fault_of(const cJSON *root)
{
	auto_free char *text = apply_print(root);
	auto_diag struct diag faults = DIAG_INIT;
	struct search_spec *spec = NULL;

	if (search_parse(text, strlen(text), &spec, &faults) != 0)
		return diag_text(&faults, NULL);
	search_free(spec);
	return NULL;
}

/* True if it was made; else the file is as it was. */
static bool try_change(cJSON **root, const cJSON *was, const cJSON *what,
		       struct buf *notes)
{
	cJSON *new = cJSON_Duplicate(*root, true);
	const char *name = json_get_text(what, "parameter");
	auto_free char *fault = NULL;
	bool is_there = member(member(new, "parameters"), name) != NULL;

	if (is_there)
		change(member(new, "parameters"), was, what);
	fault = fault_of(new);
	if (fault != NULL)
		buf_addf(notes, "%s is left as it is, else: %s\n", name, fault);
	if (fault != NULL || !is_there || is_same(new, *root)) {
		cJSON_Delete(new);
		return false;
	}
	cJSON_Delete(*root);
	*root = new;
	return true;
}

char *apply_changes(const char *file, const cJSON *findings, const char *name,
		    struct buf *notes, size_t *ret_n)
{
	auto_json cJSON *was = cJSON_Parse(file);
	auto_json cJSON *root = cJSON_Duplicate(was, true);
	const cJSON *f;

	*ret_n = 0;
	/* It was tried, and may lie outside of what the ranges will be. */
	cJSON_DeleteItemFromObjectCaseSensitive(root, "start");
	cJSON_DeleteItemFromObjectCaseSensitive(root, "until");
	if (json_get(root, "name") != NULL)
		cJSON_ReplaceItemInObjectCaseSensitive(
		    root, "name", cJSON_CreateString(name));
	cJSON_ArrayForEach (f, findings) {
		const cJSON *what = json_get(f, "change");

		if (cJSON_IsObject(what))
			*ret_n += try_change(&root, json_get(was, "parameters"),
					     what, notes);
	}
	return apply_print(root);
}

/* --- the name
 * -------------------------------------------------------------------
 */

char *apply_next_name(const char *name)
{
	const char *dash = strrchr(name, '-');
	size_t len = strlen(name);
	long n = 1;

	if (dash != NULL && dash[1] >= '1' && dash[1] <= '9' &&
	    dash[1 + strspn(dash + 1, "0123456789")] == '\0' &&
	    strlen(dash) <= 6) {
		n = strtol(dash + 1, NULL, 10);
		len = (size_t)(dash - name);
	}
	if (len > LIMIT_NAME_BYTES - 7)
		len = LIMIT_NAME_BYTES - 7;
	return xasprintf("%.*s-%ld", (int)len, name, n + 1);
}

static bool is_taken(const cJSON *searches, const char *name)
{
	const cJSON *s;

	cJSON_ArrayForEach (s, searches) {
		if (strcmp(json_get_text(s, "name"), name) == 0)
			return true;
	}
	return false;
}

static enum status free_name(struct call *call, const char *name,
			     char **ret_name)
{
	auto_json cJSON *list = NULL;
	char *next = apply_next_name(name);
	enum status r = call_method(call, METHOD_LIST, NULL, &list);

	while (r == STATUS_DONE && is_taken(json_get(list, "searches"), next)) {
		char *other = apply_next_name(next);

		free(next);
		next = other;
	}
	if (r == STATUS_DONE)
		*ret_name = next;
	else
		free(next);
	return r;
}

/* --- writing
 * ---------------------------------------------------------------------
 */

static enum status write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	size_t len = strlen(text), done = 0;
	ssize_t n = 0;

	if (fd < 0 && errno == EEXIST)
		return fail(STATUS_BAD_INPUT,
			    "%s is there already (name another file)", path);
	while (fd >= 0 && done < len && n >= 0) {
		n = write(fd, text + done, len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (fd < 0 || n < 0 || close(fd) < 0)
		return fail(STATUS_FAILED, "cannot write %s: %s", path,
			    strerror(errno));
	return STATUS_DONE;
}

static bool confirm(const char *path)
{
	char answer[16];

	fprintf(stderr, "write %s? [y/N] ", path);
	return fgets(answer, sizeof(answer), stdin) != NULL &&
	       (answer[0] == 'y' || answer[0] == 'Y');
}

/* A constant that is another: no earlier trial can be imported. */
static bool changes_constant(const cJSON *findings)
{
	const cJSON *f;

	cJSON_ArrayForEach (f, findings) {
		if (json_get(json_get(f, "change"), "value") != NULL)
			return true;
	}
	return false;
}

/* @imports: earlier trials may be its own. */
static enum status put(struct call *call, const char *name, const char *text,
		       bool imports)
{
	bool has_file = call->n_operands > 1;
	auto_free char *path =
	    has_file ? xstrdup(call->operands[1]) : xasprintf("%s.json", name);
	enum status r;

	if (!has_file && call->out.width == 0) {
		fputs(text, stdout);
		return STATUS_DONE;
	}
	if (!has_file && !isatty(STDIN_FILENO))
		return fail(STATUS_BAD_INPUT,
			    "why: nobody to ask on a terminal (name the file)");
	if (!has_file && !confirm(path))
		return fail(STATUS_FAILED, "nothing was written");
	r = write_file(path, text);
	if (r != STATUS_DONE)
		return r;
	if (imports)
		note("wrote %s: 'hpctl run %s' tries it; 'hpctl import %s "
		     "--from %s', while it runs, adds the earlier trials that "
		     "fit",
		     path, path, name, call->operands[0]);
	else
		note("wrote %s: 'hpctl run %s' tries it", path, path);
	return STATUS_DONE;
}

/* To stderr, where it is in nobody's way. */
static void show_difference(const char *file, const char *text)
{
	auto_json cJSON *was = cJSON_Parse(file);
	auto_free char *before = apply_print(was);
	auto_buf struct buf diff = BUF_INIT;

	apply_diff(before, text, &diff);
	(void)fflush(stdout);
	fputs(buf_text(&diff), stderr);
}

enum status apply_findings(struct call *call, const cJSON *why)
{
	const char *name = json_get_text(why, "search");
	auto_json cJSON *shown = NULL;
	auto_free char *next = NULL;
	auto_free char *text = NULL;
	auto_buf struct buf notes = BUF_INIT;
	const char *file;
	size_t n;
	enum status r =
	    call_method(call, METHOD_SHOW, target_search_params(call), &shown);

	if (r == STATUS_DONE)
		r = free_name(call, name, &next);
	if (r != STATUS_DONE)
		return r;
	file = json_get_text(shown, "file");
	text = apply_changes(file, json_get(why, "findings"), next, &notes, &n);
	if (notes.len > 0)
		fputs(notes.data, stderr);
	if (n == 0)
		return fail(STATUS_FAILED,
			    "nothing was found that would change the search "
			    "file");
	show_difference(file, text);
	return put(call, next, text,
		   !changes_constant(json_get(why, "findings")));
}
