// PENSTOCK_CHECK(condition): aborts with file, line and condition when our own logic is broken.
// Never for input from outside.
#pragma once

#include <cstdio>
#include <cstdlib>

#define PENSTOCK_CHECK(condition)                                                            \
  do {                                                                                       \
    if (!(condition)) {                                                                      \
      std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)
