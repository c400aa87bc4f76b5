#define OL_VARIANT avx2
#include "lora.inc"

namespace openlora {
const LoraKernels lora_avx2 = {avx2::shrink, avx2::expand};
}
