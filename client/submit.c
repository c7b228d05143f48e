#include "submit.h"

#include "schema/json.h"
#include "schema/limits.h"
#include "schema/mem.h"
#include "schema/scan.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_FALLBACK "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

void submission_free(struct submission *s)
{
	buf_free(&s->file);
	search_free(s->spec);
	free(s->workdir);
	*s = (struct submission){ 0 };
}

/* The directory that a relative workdir begins at; new, or NULL with errno. */
static char *base_folder(const char *path)
{
	auto_free char *copy = xstrdup(path);

	if (strcmp(path, "-") == 0)
		return getcwd(NULL, 0);
	return realpath(dirname(copy), NULL);
}

static int find_workdir(const char *path, struct submission *s,
			struct diag *reterr)
{
	const char *written = s->spec->workdir;
	auto_free char *base = base_folder(path);
	struct stat st;

	if (base == NULL) {
		diag_add(reterr, "workdir", "the file's directory: %s",
			 strerror(errno));
		return 1;
	}
	if (written[0] == '/')
		s->workdir = xstrdup(written);
	else if (strcmp(written, ".") == 0)
		s->workdir = xstrdup(base);
	else
		s->workdir = xasprintf("%s/%s", base, written);
	if (stat(s->workdir, &st) < 0) {
		diag_add(reterr, "workdir", "%s: %s", s->workdir,
			 strerror(errno));
		return 1;
	}
	if (!S_ISDIR(st.st_mode)) {
		diag_add(reterr, "workdir", "%s is no directory", s->workdir);
		return 1;
	}
	return 0;
}

/* Why @path cannot be run, or NULL if it can. */
static const char *why_not_run(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT ? "is not there" : strerror(errno);
	if (S_ISDIR(st.st_mode))
		return "is a directory";
	return access(path, X_OK) < 0 ? "is not executable (chmod +x)" : NULL;
}

static bool is_in_path(const char *program, const char *workdir)
{
	const char *path = getenv("PATH");

	path = path != NULL ? path : PATH_FALLBACK;
	while (*path != '\0') {
		int len = (int)strcspn(path, ":");
		auto_free char *file =
		    xasprintf("%s%s%.*s/%s", path[0] == '/' ? "" : workdir,
			      path[0] == '/' ? "" : "/", len, path, program);

		if (why_not_run(file) == NULL)
			return true;
		path += len + (path[len] == ':');
	}
	return false;
}

/* Whether the search file sets PATH itself, which nobody can look into. */
static bool sets_path(const struct search_spec *spec)
{
	for (size_t i = 0; i < spec->n_env; i++)
		if (strcmp(spec->env[i].name, "PATH") == 0)
			return true;
	return false;
}

static int check_program(const struct submission *s, struct diag *reterr)
{
	const char *program = s->spec->command[0];
	auto_free char *file = NULL;
	const char *why;

	if (strchr(program, '{') != NULL)
		return 0;
	if (strchr(program, '/') == NULL) {
		if (sets_path(s->spec) || is_in_path(program, s->workdir))
			return 0;
		diag_add(reterr, "command[0]",
			 "\"%s\" is not in PATH (install it, or write "
			 "\"./%s\" for a program in workdir)",
			 program, program);
		return 1;
	}
	file = program[0] == '/' ? xstrdup(program)
				 : xasprintf("%s/%s", s->workdir, program);
	why = why_not_run(file);
	if (why == NULL)
		return 0;
	diag_add(reterr, "command[0]",
		 "\"%s\" %s; trials start in %s (build it, or set \"workdir\")",
		 program, why, s->workdir);
	return 1;
}

int submission_read(const char *path, struct submission *ret_submission,
		    struct diag *reterr)
{
	struct submission *s = ret_submission;

	if (read_file(path, LIMIT_SEARCH_BYTES, &s->file) != STATUS_DONE)
		return 1;
	if (search_parse(buf_text(&s->file), s->file.len, &s->spec, reterr) !=
	    0)
		return 1;
	if (find_workdir(path, s, reterr) != 0)
		return 1;
	return check_program(s, reterr);
}

bool submit_is_secret(const char *name)
{
	static const char *const words[] = {
		"TOKEN",  "SECRET",     "PASSWORD",    "PASSWD",     "API_KEY",
		"APIKEY", "ACCESS_KEY", "PRIVATE_KEY", "CREDENTIAL", NULL,
	};

	for (size_t i = 0; words[i] != NULL; i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

static bool is_utf8(const char *s)
{
	size_t left = strlen(s);

	while (left > 0) {
		size_t n = scan_utf8(s, left);

		if (n == 0)
			return false;
		s += n;
		left -= n;
	}
	return true;
}

/* Our environment but for secrets and what JSON cannot carry, which is told. */
static cJSON *own_environ(size_t *ret_bytes)
{
	cJSON *array = cJSON_CreateArray();
	auto_buf struct buf secret = BUF_INIT;
	auto_buf struct buf strange = BUF_INIT;

	*ret_bytes = 0;
	for (char **v = environ; *v != NULL; v++) {
		auto_free char *name = xstrndup(*v, strcspn(*v, "="));
		struct buf *out = NULL;

		if (submit_is_secret(name))
			out = &secret;
		else if (!is_utf8(*v))
			out = &strange;
		if (out == NULL) {
			cJSON_AddItemToArray(array, cJSON_CreateString(*v));
			*ret_bytes += strlen(*v) + 1;
			continue;
		}
		if (out->len > 0)
			buf_adds(out, ", ");
		buf_adds(out, name);
	}
	if (secret.len > 0)
		note("note: kept back from the trials, since the names look "
		     "like secrets: %s (a trial that needs one: set it in "
		     "\"env\" of the search file)",
		     buf_text(&secret));
	if (strange.len > 0)
		note("note: kept back from the trials, since the values are "
		     "not UTF-8: %s",
		     buf_text(&strange));
	return array;
}

enum status submit_params(struct call *call, cJSON **ret_params)
{
	const char *path = call->operands[0];
	const char *name = call_option(call, "name");
	auto_submission struct submission s = { 0 };
	auto_diag struct diag faults = DIAG_INIT;
	char key[CALL_KEY_BYTES];
	size_t environ_bytes;
	cJSON *params;
	enum status r;

	if (submission_read(path, &s, &faults) != 0) {
		auto_free char *text = diag_text(&faults, path);

		if (faults.n > 0)
			note("%s", text);
		return STATUS_BAD_INPUT;
	}
	r = call_key(key);
	if (r != STATUS_DONE)
		return r;
	params = cJSON_CreateObject();
	cJSON_AddStringToObject(params, "key", key);
	cJSON_AddStringToObject(params, "file", buf_text(&s.file));
	cJSON_AddStringToObject(params, "workdir", s.workdir);
	cJSON_AddItemToObject(params, "environ", own_environ(&environ_bytes));
	if (name != NULL)
		cJSON_AddStringToObject(params, "name", name);
	if (environ_bytes > LIMIT_ENVIRON_BYTES) {
		cJSON_Delete(params);
		return fail(STATUS_BAD_INPUT,
			    "the environment has %zu bytes (the limit is %d: "
			    "unset the largest variables)",
			    environ_bytes, LIMIT_ENVIRON_BYTES);
	}
	*ret_params = params;
	return STATUS_DONE;
}
