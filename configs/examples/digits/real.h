#pragma once

/* float; the test of the gradients compiles the same code for double. */
#ifndef REAL
#define REAL float
#endif
typedef REAL real;
