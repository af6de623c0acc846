// Loops for every processor at once: Swift has no way to compile a function for AVX, and these, a quarter
// of a training step, run two to three times faster with it.
#pragma once
#include "adam.h"
#include "winograd.h"
