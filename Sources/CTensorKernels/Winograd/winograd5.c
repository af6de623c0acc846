// F(5, 3): 49 multiplications instead of 225. Zero would leave one of the other points without its
// opposite.
#define NAME ctk_winograd5
#define STRIDE 1
#define EXTENT 5
#define PAIRS {0.25f, 0.875f, 1.75f}
#define HAS_ZERO 0
#include "transforms.h"
