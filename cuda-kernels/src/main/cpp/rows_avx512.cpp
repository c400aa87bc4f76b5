#define OL_VARIANT avx512
#include "rows.inc"

namespace openlora {
const RowKernels rows_avx512 = {avx512::rms_norm, avx512::rope, avx512::silu_mul, avx512::add};
}
