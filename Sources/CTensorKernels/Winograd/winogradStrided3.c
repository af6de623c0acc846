// Stride 2: F(3, 2) for the pixels that meet the first and the last tap, and the middle tap by
// itself for those between: 49 multiplications instead of 81.
#define NAME ctk_winograd_strided3
#define STRIDE 2
#define EXTENT 3
#define PAIRS {1}
#define HAS_ZERO 1
#include "transforms.h"
