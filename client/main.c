/* hpctl: reads the command line and runs one command of the table. */
#include "cmd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static enum status run(struct call *call)
{
	if (call->command == NULL) {
		help_print(call->help ? stdout : stderr);
		return call->help ? STATUS_DONE : STATUS_BAD_INPUT;
	}
	if (call->help) {
		help_print_command(stdout, call->command);
		return STATUS_DONE;
	}
	out_init(&call->out, call->json);
	return call->command->run(call);
}

int main(int argc, char **argv)
{
	struct call call = { 0 };
	enum status r = args_parse(argc, argv, &call);

	if (r == STATUS_DONE)
		r = run(&call);
	call_hang_up(&call);
	cJSON_Delete(call.daemon);
	paths_free(&call.paths);
	/* A full disk must not look like success. */
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (r == STATUS_DONE)
			r = fail(STATUS_FAILED, "cannot write the output: %s",
				 strerror(errno));
	}
	return (int)r;
}
