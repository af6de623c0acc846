// Loops for every processor at once: Swift has no way to compile a function for AVX, and these, a quarter
// of a training step, run about twice as fast with it.
#pragma once
#include "adam.h"
#include "normalization.h"
#include "panels.h"
#include "processors.h"
#include "winograd.h"
