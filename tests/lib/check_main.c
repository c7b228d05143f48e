/* main() of every unit test: runs suite() and reports as TAP. */
#include "check_main.h"

#include <stdlib.h>

int main(void)
{
	SRunner *runner;
	int failed;

	/* A busy machine takes its time; meson bounds the whole program. */
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	runner = srunner_create(suite());
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
