#include "numbers.h"
#include "dispatch.h"

INLINE void convert(CTKNumbers source, ptrdiff_t count, CTKMutableNumbers target) {
#define BODY(size) storeAt(lanesAt(source, place, size), target, place, false, size)
  FOR_LANES(place, count, BODY)
#undef BODY
}

INLINE void widenAll(const uint16_t *narrow, ptrdiff_t count, float *wide) {
  convert((CTKNumbers){narrow, CTKBFloat16}, count, (CTKMutableNumbers){wide, CTKFloat32});
}

INLINE void narrowAll(const float *wide, ptrdiff_t count, uint16_t *narrow) {
  convert((CTKNumbers){wide, CTKFloat32}, count, (CTKMutableNumbers){narrow, CTKBFloat16});
}

INLINE void addNarrow(uint16_t *sum, const uint16_t *addend, ptrdiff_t count) {
  CTKNumbers first = {sum, CTKBFloat16}, second = {addend, CTKBFloat16};
  CTKMutableNumbers target = {sum, CTKBFloat16};
#define BODY(size)                                                                                 \
  storeAt(lanesAt(first, place, size) + lanesAt(second, place, size), target, place, false, size)
  FOR_LANES(place, count, BODY)
#undef BODY
}

CTK_DISPATCH(
    ctk_widen, widenAll, (const uint16_t *narrow, ptrdiff_t count, float *wide),
    (narrow, count, wide)
)
CTK_DISPATCH(
    ctk_narrow, narrowAll, (const float *wide, ptrdiff_t count, uint16_t *narrow),
    (wide, count, narrow)
)
CTK_DISPATCH(
    ctk_add_narrow, addNarrow, (uint16_t *sum, const uint16_t *addend, ptrdiff_t count),
    (sum, addend, count)
)
