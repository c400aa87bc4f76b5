#define OL_VARIANT avx512
#include "lora.inc"

namespace openlora {
const LoraKernels lora_avx512 = {avx512::shrink, avx512::expand};
}
