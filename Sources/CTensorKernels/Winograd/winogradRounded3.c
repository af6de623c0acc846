// F(3, 3) in numbers of 16 bits: 25 multiplications instead of 81. Errors are three to four times
// those of direct convolutions.
#define FOR_BFLOAT16
#define NAME ctk_winograd_rounded3
#define STRIDE 1
#define EXTENT 3
#define PAIRS {0.375f, 1.25f}
#define HAS_ZERO 0
#define FORMAT CTKBFloat16
#include "transforms.h"
