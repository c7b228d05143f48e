#include "schema/paths.h"

#include "schema/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

/* The variable @name if it is set and not empty, else NULL. */
static const char *variable(const char *name)
{
	const char *v = getenv(name);

	return v != NULL && v[0] != '\0' ? v : NULL;
}

/* As variable(), but the XDG rules say that a relative one is ignored. */
static const char *xdg_variable(const char *name)
{
	const char *v = variable(name);

	return v != NULL && v[0] == '/' ? v : NULL;
}

char *paths_absolute(const char *path, const char *what, struct diag *reterr)
{
	auto_free char *cwd = NULL;

	if (path[0] == '/')
		return xstrdup(path);
	cwd = getcwd(NULL, 0);
	if (cwd == NULL) {
		diag_add(reterr, what,
			 "\"%s\" is relative, but the current directory cannot "
			 "be told: %s (give an absolute path)",
			 path, strerror(errno));
		return NULL;
	}
	return xasprintf("%s/%s", cwd, path);
}

static char *default_state_dir(struct diag *reterr)
{
	const char *xdg = xdg_variable("XDG_STATE_HOME");
	const char *home = variable("HOME");

	if (xdg != NULL)
		return xasprintf("%s/hpsd", xdg);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.local/state/hpsd", home);
	diag_add(reterr, "state directory",
		 "cannot be told without HOME (set HPSD_STATE)");
	return NULL;
}

static char *default_socket(const char *state_dir, bool state_is_chosen)
{
	const char *runtime = xdg_variable("XDG_RUNTIME_DIR");

	if (state_is_chosen || runtime == NULL)
		return xasprintf("%s/hpsd.sock", state_dir);
	return xasprintf("%s/hpsd.sock", runtime);
}

int paths_find(const char *state, const char *socket, struct paths *ret_paths,
	       struct diag *reterr)
{
	const size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	bool state_is_chosen = state != NULL;
	struct paths p = { 0 };

	if (state == NULL)
		state = variable("HPSD_STATE");
	if (socket == NULL)
		socket = variable("HPSD_SOCKET");
	p.state_dir = state != NULL
			  ? paths_absolute(state, "state directory", reterr)
			  : default_state_dir(reterr);
	if (p.state_dir == NULL)
		return 1;
	p.socket = socket != NULL
		       ? paths_absolute(socket, "socket", reterr)
		       : default_socket(p.state_dir, state_is_chosen);
	if (p.socket != NULL && strlen(p.socket) > room) {
		diag_add(reterr, "socket",
			 "\"%s\" has %zu bytes (a socket's path has at most "
			 "%zu: set HPSD_SOCKET to a shorter one)",
			 p.socket, strlen(p.socket), room);
		free(p.socket);
		p.socket = NULL;
	}
	if (p.socket == NULL) {
		paths_free(&p);
		return 1;
	}
	*ret_paths = p;
	return 0;
}

void paths_free(struct paths *p)
{
	free(p->state_dir);
	free(p->socket);
	*p = (struct paths){ 0 };
}
