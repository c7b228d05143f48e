#pragma once

/*
 * Named places at which the programs of tests/fault are made to die, to wait
 * or to fail (HPSD_FAULTS; tests/fault/fault.c). In the product they are
 * nothing, not even their names.
 *
 * A step of a protocol has one before it, so that a kill there is a kill after
 * the step before.
 */
#ifdef HPSD_FAULTS
/* 0, or the -errno that this step shall fail with. */
int fault_at(const char *name);
#else
#define fault_at(name) 0
#endif
