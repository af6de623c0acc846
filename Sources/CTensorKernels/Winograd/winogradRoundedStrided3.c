// Stride 2 in numbers of 16 bits: F(3, 2) for the pixels that meet the first and the last tap, 49
// multiplications instead of 81.
#define FOR_BFLOAT16
#define NAME ctk_winograd_rounded_strided3
#define STRIDE 2
#define EXTENT 3
#define PAIRS {1}
#define HAS_ZERO 1
#define FORMAT CTKBFloat16
#include "transforms.h"
