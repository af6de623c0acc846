// F(3, 3): 25 multiplications instead of 81.
#define NAME ctk_winograd3
#define STRIDE 1
#define EXTENT 3
#define PAIRS {0.375f, 1.25f}
#define HAS_ZERO 0
#include "transforms.h"
