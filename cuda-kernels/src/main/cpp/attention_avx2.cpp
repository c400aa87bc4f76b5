#define OL_VARIANT avx2
#include "attention.inc"

namespace openlora {
void attention_avx2(const Attention& a, const AttentionJob& job, float* scratch) {
  avx2::attention(a, job, scratch);
}
}  // namespace openlora
