#pragma once

/*
 * A fuzz target is one function, built with libFuzzer by run.sh and with
 * replay.c by everybody else.
 *
 * The first bytes of an input, digits and letters in the seeds, choose how
 * the rest of it is given.
 */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
