/* What a shim's child does for the checkpoint of a trial: copy_once DIR */
#include "shim/copy.h"

#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]) < 0 || !copy_is_wanted())
		return 125;
	return copy_checkpoint() != 0;
}
