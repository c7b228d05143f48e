#pragma once

/*
 * System calls that fail in this thread and in all that it starts, for good: a
 * test in a process of its own says which.
 */
#include <stdint.h>

#define ANY (-1)

/*
 * From now on the system call @number fails with errno @error, if its
 * argument @arg (from 0; ANY: whatever they are) is @value in its lower half.
 * With 0 for @error it is not made and returns 0.
 */
void refuse(int number, int arg, uint32_t value, int error);
