// Loops for every processor at once: Swift has no way to compile a function for AVX. WhereTheTimeGoes.md,
// in SelfSupervised's documentation, has what a training step gains.
#pragma once
#include "adam.h"
#include "bfloat16.h"
#include "normalization.h"
#include "panels.h"
#include "processors.h"
#include "winograd.h"
