/*
 * sim [--seeds A..B] [--trace SEED]
 *
 * Runs the simulation for each seed. A broken oracle tells the seed and the
 * latest events. After 1,000 seeds or more everything that can happen must have
 * happened.
 */
#include "sim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS_OF_PROOF 1000

/* An assertion of the core, or worse. */
static void on_abort(int number)
{
	/* Not safe from a signal, but it is ours, and a chance is enough. */
	sim_abort();
	_exit(1);
}

static int run_seeds(unsigned long long first, unsigned long long last)
{
	int missing;

	for (unsigned long long seed = first; seed <= last; seed++)
		sim_run(seed, false);
	printf("%llu seeds, no oracle broken; what has happened:\n",
	       last - first + 1);
	missing = cover_report();
	if (missing > 0 && last - first + 1 >= SEEDS_OF_PROOF) {
		printf("%d things have never happened\n", missing);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned long long first = 1, last = SEEDS_OF_PROOF;

	signal(SIGABRT, on_abort);
	signal(SIGSEGV, on_abort);
	if (argc == 3 && strcmp(argv[1], "--trace") == 0) {
		sim_run(strtoull(argv[2], NULL, 10), true);
		return 0;
	}
	if (argc != 1 && (argc != 3 || strcmp(argv[1], "--seeds") != 0 ||
			  sscanf(argv[2], "%llu..%llu", &first, &last) != 2)) {
		fprintf(stderr, "usage: %s [--seeds A..B] [--trace SEED]\n",
			argv[0]);
		return 2;
	}
	return run_seeds(first, last);
}
