#define OL_VARIANT avx2
#include "rows.inc"
#include "top.inc"

namespace openlora {
const RowKernels rows_avx2 = {avx2::rms_norm, avx2::rope, avx2::silu_mul, avx2::add, avx2::top, avx2::sum_exp};
}
