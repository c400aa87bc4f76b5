#define OL_VARIANT avx512
#include "attention.inc"

namespace openlora {
void attention_avx512(const Attention& a, const AttentionJob& job, float* scratch) {
  avx512::attention(a, job, scratch);
}
}  // namespace openlora
