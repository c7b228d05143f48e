#pragma once

#include <stddef.h>

/* The struct of @type that @ptr is the member @member of. */
#define container_of(ptr, type, member)                                        \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))
