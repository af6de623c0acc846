// F(6, 3): 64 multiplications instead of 324.
#define NAME ctk_winograd6
#define STRIDE 1
#define EXTENT 6
#define PAIRS {0.5f, 1, 2}
#define HAS_ZERO 1
#include "transforms.h"
