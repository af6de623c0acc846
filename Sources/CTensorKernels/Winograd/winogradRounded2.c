// F(2, 3) in numbers of 16 bits: 16 multiplications instead of 36. Errors are two to three times
// those of direct convolutions.
#define FOR_BFLOAT16
#define NAME ctk_winograd_rounded2
#define STRIDE 1
#define EXTENT 2
#define PAIRS {1}
#define HAS_ZERO 1
#define FORMAT CTKBFloat16
#include "transforms.h"
