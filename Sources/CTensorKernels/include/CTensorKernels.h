// Loops for every ISA at once: Swift cannot compile single functions for AVX. README.md is about
// the target; WhereTheTimeGoes.md, in SelfSupervised's documentation, has what a training step
// gains.
#pragma once
#include "adam.h"
#include "bfloat16.h"
#include "convolutionRows.h"
#include "depthwise.h"
#include "epilogue.h"
#include "gelu.h"
#include "isa.h"
#include "layerNorm.h"
#include "normalization.h"
#include "numbers.h"
#include "packing.h"
#include "pooling.h"
#include "products.h"
#include "softmax.h"
#include "winograd.h"
