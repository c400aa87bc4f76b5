/* A packed int8 weight: the columns' scales, then the panels. */
#include "linear_int8.h"

#include <emmintrin.h>

#include <atomic>

#include "bf16.h"
#include "context.h"

using openlora::BYTES_DEPTH;
using openlora::ByteOrder;
using openlora::PANEL;
using openlora::padded;

namespace {

/* To nearest, ties to even, as the machine rounds by default. */
int8_t quantised(float weight, float scale) {
  int32_t q = _mm_cvtss_si32(_mm_set_ss(weight / scale));
  return static_cast<int8_t>(q > 127 ? 127 : q < -127 ? -127 : q);
}

/* Packs a row as column c of its panel, zeros behind k, and returns its scale: negative when a value is
 * not finite. */
float pack_row(int8_t* panel, int64_t c, const uint16_t* row, int64_t k, int64_t depth, ByteOrder order) {
  uint16_t largest = 0;
  for (int64_t i = 0; i < k; i++) {
    uint16_t magnitude = row[i] & 0x7FFF;
    largest = magnitude > largest ? magnitude : largest;
  }
  if (largest >= 0x7F80) {
    return -1;
  }
  float scale = openlora::widen(largest) / 127;
  for (int64_t i = 0; i < depth; i++) {
    bool zero = i >= k || largest == 0;
    panel[order(c, i, depth)] = zero ? 0 : quantised(openlora::widen(row[i]), scale);
  }
  return scale;
}

}  // namespace

extern "C" {

int64_t ol_packed_bytes_int8(int64_t n, int64_t k) {
  return padded(n, PANEL) * (padded(k, BYTES_DEPTH) + static_cast<int64_t>(sizeof(float)));
}

int32_t ol_pack_int8(ol_context* context, void* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride,
                     int64_t* bad_row) {
  if (context == nullptr || packed == nullptr || weight == nullptr || bad_row == nullptr || n < 1 || k < 1 ||
      stride < k || reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    return OL_BAD_ARGUMENT;
  }
  int64_t depth = padded(k, BYTES_DEPTH);
  int64_t panels = padded(n, PANEL) / PANEL;
  float* scales = static_cast<float*>(packed);
  int8_t* bytes = reinterpret_cast<int8_t*>(scales + panels * PANEL);
  ByteOrder order = context->kernels.int8->order;
  std::atomic<int64_t> bad{n};
  auto pack = [&](int thread, int threads) {
    for (int64_t panel = panels * thread / threads; panel < panels * (thread + 1) / threads; panel++) {
      for (int64_t c = 0; c < PANEL; c++) {
        int64_t column = panel * PANEL + c;
        bool inside = column < n;
        const uint16_t* row = inside ? weight + column * stride : weight;
        float scale = pack_row(bytes + panel * depth * PANEL, c, row, inside ? k : 0, depth, order);
        scales[column] = scale;
        for (int64_t before = bad.load(); scale < 0 && column < before;) {
          bad.compare_exchange_weak(before, column);
        }
      }
    }
  };
  context->pool.run(pack);
  *bad_row = bad.load();
  return *bad_row < n ? OL_NOT_FINITE : OL_OK;
}
}
