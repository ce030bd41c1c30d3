// Visible to shared libraries with tasks: what they use of the runtime must be the copy of the
// program that loads them, or they would register in a table of their own.
#pragma once

#define PENSTOCK_EXPORT [[gnu::visibility("default")]]
