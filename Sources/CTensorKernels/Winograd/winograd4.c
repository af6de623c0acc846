// F(4, 3): 36 multiplications instead of 144. At 5/8 and 3/2 the largest errors are half of what
// they are at 1 and 2.
#define NAME ctk_winograd4
#define STRIDE 1
#define EXTENT 4
#define PAIRS {0.625f, 1.5f}
#define HAS_ZERO 1
#include "transforms.h"
