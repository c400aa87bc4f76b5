/* A packed int8 weight: the columns' scales, then the panels. */
#include "linear_int8.h"

#include <emmintrin.h>

#include <algorithm>
#include <atomic>

#include "bf16.h"
#include "context.h"

using openlora::DEPTH;
using openlora::Linear;
using openlora::LineOrder;
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
float pack_row(int8_t* panel, int64_t c, const uint16_t* row, int64_t k, int64_t depth, LineOrder order) {
  uint16_t largest = 0;
  for (int64_t i = 0; i < k; i++) {
    uint16_t magnitude = row[i] & 0x7FFF;
    largest = magnitude > largest ? magnitude : largest;
  }
  if (largest >= 0x7F80) {
    return -1;
  }
  float scale = openlora::widen(largest) / 127;
  int64_t places[2] = {order(c, 0), order(c, 1)};
  for (int64_t i = 0; i < depth; i++) {
    bool zero = i >= k || largest == 0;
    panel[i / 2 * 2 * PANEL + places[i % 2]] = zero ? 0 : quantised(openlora::widen(row[i]), scale);
  }
  return scale;
}

}  // namespace

extern "C" {

int64_t ol_packed_bytes_int8(int64_t n, int64_t k) {
  return padded(n, PANEL) * (padded(k, DEPTH) + static_cast<int64_t>(sizeof(float)));
}

int32_t ol_pack_int8(ol_context* context, void* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride,
                     int64_t* bad_row) {
  if (context == nullptr || packed == nullptr || weight == nullptr || bad_row == nullptr || n < 1 || k < 1 ||
      stride < k || reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    return OL_BAD_ARGUMENT;
  }
  int64_t depth = padded(k, DEPTH);
  int64_t panels = padded(n, PANEL) / PANEL;
  float* scales = static_cast<float*>(packed);
  int8_t* bytes = reinterpret_cast<int8_t*>(scales + panels * PANEL);
  LineOrder order = context->kernels.int8->order;
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

int32_t ol_linear_int8(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride, const uint16_t* x,
                       int64_t x_stride, const void* packed, const uint16_t* bias, int64_t m, int64_t n, int64_t k) {
  if (!openlora::valid(context, out, out_dtype, out_stride, x, x_stride, packed, m, n, k)) {
    return OL_BAD_ARGUMENT;
  }
  if (m == 0) {
    return OL_OK;
  }
  Linear l;
  if (!openlora::begin(context, x, x_stride, m, k, &l)) {
    return OL_OUT_OF_MEMORY;
  }
  l.out = out;
  l.out_bf16 = out_dtype == OL_BF16;
  l.out_stride = out_stride;
  l.bias = bias;
  l.n = n;
  int64_t panels = padded(n, PANEL) / PANEL;
  size_t own_bytes = static_cast<size_t>(std::max(l.padded_k * PANEL * 2, openlora::WIDENED_BYTES));
  char* widened = static_cast<char*>(context->widened.of(own_bytes * static_cast<size_t>(context->pool.threads())));
  if (widened == nullptr) {
    return OL_OUT_OF_MEMORY;
  }
  l.scale = static_cast<const float*>(packed);
  const int8_t* bytes = reinterpret_cast<const int8_t*>(l.scale + panels * PANEL);
  auto multiply = [&](int thread, int threads) {
    uint16_t* own = reinterpret_cast<uint16_t*>(widened + own_bytes * static_cast<size_t>(thread));
    context->kernels.int8->linear(l, bytes, own, panels * thread / threads, panels * (thread + 1) / threads);
  };
  context->pool.run(multiply);
  return OL_OK;
}
}
