#pragma once
#include <cblas.h>

// LAPACK's eigenvalues of a symmetric matrix, which OpenBLAS holds and cblas.h does not declare.
void ssyev_(const char *job, const char *triangle, const int *size, float *matrix,
            const int *stride, float *eigenvalues, float *scratch, const int *scratchSize,
            int *info);
