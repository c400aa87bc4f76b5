#define OL_VARIANT avx512
#include "rows.inc"
#include "top.inc"

namespace openlora {
const RowKernels rows_avx512 = {avx512::rms_norm, avx512::rope, avx512::silu_mul, avx512::add, avx512::top, avx512::sum_exp};
}
