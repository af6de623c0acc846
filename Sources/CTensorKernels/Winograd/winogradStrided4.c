// Stride 2: F(4, 2) and the middle tap by itself, 81 multiplications instead of 144.
#define NAME ctk_winograd_strided4
#define STRIDE 2
#define EXTENT 4
#define PAIRS {0.375f, 1.25f}
#define HAS_ZERO 0
#include "transforms.h"
