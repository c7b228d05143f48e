#pragma once

#include <check.h>

/* What one test program runs; each test's name is a sentence. */
Suite *suite(void);
