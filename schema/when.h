#pragma once

/* The "when" of parameters: their conditions, and the order that they imply. */
#include "schema/object.h"
#include "schema/space.h"

/*
 * Reads the "when" of every member of @parameters, which are the parameters of
 * @s in their order, and sets the order of @s. Of a parent that is not @sound
 * nothing is said.
 */
void when_parse(const struct object *parameters, struct space *s,
		const bool *sound);
