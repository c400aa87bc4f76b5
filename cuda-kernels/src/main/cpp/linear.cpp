#include "linear.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "context.h"

using openlora::DEPTH;
using openlora::Linear;
using openlora::LoraPlan;
using openlora::PANEL;
using openlora::padded;

namespace openlora {

namespace {

/* Rows of k elements become columns of the strip, from depth `at` on. */
void pack_strip(uint16_t* strip, const uint16_t* rows, int64_t columns, int64_t at, int64_t k, int64_t stride) {
  constexpr int64_t BLOCK = 32; /* whose lines stay in the cache while all columns write to them */
  int64_t even = at % 2 == 0 ? k / 2 * 2 : 0;
  for (int64_t block = 0; block < even; block += BLOCK) {
    int64_t end = std::min(even, block + BLOCK);
    for (int64_t c = 0; c < columns; c++) {
      const uint16_t* row = rows + c * stride;
      uint16_t* column = strip + at * STRIP + 2 * c;
      for (int64_t i = block; i < end; i += 2) {
        std::memcpy(column + i * STRIP, row + i, 4);
      }
    }
  }
  for (int64_t i = even; i < k; i++) {
    for (int64_t c = 0; c < columns; c++) {
      strip[(at + i) / 2 * (2 * STRIP) + 2 * c + (at + i) % 2] = rows[c * stride + i];
    }
  }
}

}  // namespace

void pack(uint16_t* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride, int times,
          int64_t panel_from, int64_t panel_to) {
  int64_t depth = padded(times * k, DEPTH);
  for (int64_t strip = 2 * panel_from; strip < 2 * panel_to; strip++) {
    uint16_t* to = packed + strip * depth * STRIP;
    int64_t columns = std::clamp<int64_t>(n - strip * STRIP, 0, STRIP);
    if (columns < STRIP || depth != times * k) {
      std::memset(to, 0, static_cast<size_t>(depth * STRIP) * 2);
    }
    for (int time = 0; time < times && columns > 0; time++) {
      pack_strip(to, weight + strip * STRIP * stride, columns, time * k, k, stride);
    }
  }
}

bool valid(const ol_context* context, const ol_rows& out, const uint16_t* x, int64_t x_stride, const ol_layer& layer,
           int64_t m, int64_t n, int64_t k) {
  return context != nullptr && x != nullptr && layer.packed != nullptr && m >= 0 && n >= 1 && k >= 1 &&
         ::valid(&out, n) && x_stride >= k && (layer.dtype == OL_BF16 || layer.dtype == OL_INT8) &&
         reinterpret_cast<uintptr_t>(layer.packed) % 64 == 0;
}

}  // namespace openlora

namespace {

/* Sums of this size stay in a core's second cache until they are done with. Runs that expand for themselves
 * read each its own matrix, the better the longer the reads are. */
constexpr int64_t BYTES_OF_SUMS = 128 * 1024;
constexpr int64_t BYTES_BEFORE_ADAPTERS = 512 * 1024;
constexpr int64_t LEAST_GROUP = 3;
constexpr int64_t PASSING_PANELS = 13; /* whose weights leave sums in the second cache while they pass */

/* `width` columns from a panel on. */
Linear columns_of(const Linear& l, int64_t panel, int64_t width) {
  Linear some = l;
  some.out = static_cast<char*>(l.out) + panel * PANEL * (l.out_bf16 ? 2 : 4);
  if (l.bytes == nullptr) {
    some.packed += panel * l.padded_k * PANEL;
  } else {
    some.bytes += panel * openlora::padded(l.padded_k, openlora::BYTES_DEPTH) * PANEL;
    some.scale += panel * PANEL;
  }
  some.bias = l.bias == nullptr ? nullptr : l.bias + panel * PANEL;
  some.n = width;
  some.extension_panel = panel;
  return some;
}

/* Some rows, and `width` columns from a panel on, into f32 rows of their own. */
Linear part_of(const Linear& l, int64_t row, int64_t rows, int64_t panel, int64_t width, float* out,
               int64_t out_stride) {
  Linear some = columns_of(l, panel, width);
  some.x += row * l.x_stride;
  some.tiles = l.tiles == nullptr ? nullptr : l.tiles + row * l.padded_k;
  some.m = rows;
  some.out = out;
  some.out_bf16 = false;
  some.out_stride = out_stride;
  if (l.digits.rows != nullptr) {
    some.digits.rows += 3 * row * l.digits.depth;
    some.digits.offsets += 3 * row;
    some.digits.units += row;
  }
  some.extension_row = row;
  return some;
}

/* Gives a begun product its layer. */
void complete(Linear& l, const ol_rows& out, int64_t n, const ol_layer& layer, const LoraPlan& plan) {
  l.out = out.data;
  l.out_bf16 = out.dtype == OL_BF16;
  l.out_stride = out.stride;
  l.bias = layer.bias;
  l.n = n;
  if (layer.dtype == OL_INT8) {
    l.scale = static_cast<const float*>(layer.packed);
    l.bytes = reinterpret_cast<const int8_t*>(l.scale + padded(n, PANEL));
  } else {
    l.packed = static_cast<const uint16_t*>(layer.packed);
    l.extensions = plan.extensions.data();
    l.extension_count = static_cast<int64_t>(plan.extensions.size());
  }
}

/* Whether one kernel multiplies a gate and what it gates, and the two. */
bool gates(const ol_context* context, const Linear& gate, const Linear& up) {
  return context->kernels.isa == OL_AMX_BF16 && (gate.bytes == nullptr) == (up.bytes == nullptr);
}

/* Whether something is added to a product when it is done. */
bool adapts_later(const ol_layer& layer, const LoraPlan& plan) {
  return !plan.runs.empty() || (layer.dtype == OL_INT8 && !plan.wide.empty());
}

/* What a product's adapters add to it and it did not take in; y: all rows, from a panel's first column on. */
void adapt(const ol_context* context, const Linear& l, const LoraPlan& plan, void* y, bool y_bf16, int64_t y_stride,
           int64_t panel, int64_t panel_to) {
  if (l.extension_count == 0) {
    openlora::extend(context, plan, y, y_bf16, y_stride, panel, panel_to);
  }
  openlora::expand(context, plan, y, y_bf16, y_stride, panel * PANEL, std::min(l.n, panel_to * PANEL));
}

/* The size of parts of at most `most` that are about equal. */
int64_t even_parts(int64_t size, int64_t most) {
  int64_t count = (size + most - 1) / most;
  return (size + count - 1) / count;
}

/* silu(gate) up, where both are products of the same x. later: adapters add what the products did not take in. */
class Gated {
 public:
  Gated(ol_context* context, const Linear& gate, const Linear& up, const LoraPlan& of_gate, const LoraPlan& of_up,
        bool later)
      : context_(context), gate_(gate), up_(up), of_gate_(of_gate), of_up_(of_up), later_(later) {}

  /* False without memory. */
  bool run() {
    const bool together = gates(context_, gate_, up_) && (!later_ || (adds_once(of_gate_) && adds_once(of_up_)));
    if (!place(together)) {
      return false;
    }
    std::atomic<bool> done{true};
    auto work = [&](int thread, int threads) {
      const int64_t panels = padded(gate_.n, PANEL) / PANEL;
      float* of_thread = sums_ + 2 * floats_ * static_cast<size_t>(thread);
      const int64_t last = panels * (thread + 1) / threads;
      for (int64_t panel = panels * thread / threads; panel < last; panel += group_) {
        const int64_t panel_to = std::min(last, panel + group_);
        if (!(together ? multiply_together(of_thread, panel, panel_to) : multiply_apart(of_thread, panel, panel_to))) {
          done = false;
        }
      }
    };
    context_->pool.run(work);
    return done;
  }

 private:
  /* Chooses how many panels to multiply at a time, and finds memory for their sums. */
  bool place(bool together) {
    const int64_t threads = context_->pool.threads();
    group_ = (padded(gate_.n, PANEL) / PANEL + threads - 1) / threads;
    if (together && !later_) {
      return true; /* there are none */
    }
    rows_ = later_ ? gate_.m : std::min(gate_.m, openlora::TILED_ROWS);
    int64_t most = (later_ ? BYTES_BEFORE_ADAPTERS : BYTES_OF_SUMS) / (2 * rows_ * PANEL * 4);
    if (together && reads_pieces(of_gate_) && reads_pieces(of_up_)) {
      most = std::min(most, PASSING_PANELS);
    }
    group_ = even_parts(group_, std::max(LEAST_GROUP, most));
    floats_ = static_cast<size_t>(rows_ * group_ * PANEL);
    sums_ = static_cast<float*>(context_->scratch.of(2 * floats_ * sizeof(float) * static_cast<size_t>(threads)));
    return sums_ != nullptr;
  }

  /* What adapters add is summed up before, and the kernel takes it in. */
  bool multiply_together(float* sums, int64_t panel, int64_t panel_to) const {
    const int64_t width = std::min(panel_to * PANEL, gate_.n) - panel * PANEL;
    Linear gate = columns_of(gate_, panel, width), up = columns_of(up_, panel, width);
    gate.up = &up;
    if (later_) {
      add_before(gate, of_gate_, sums, panel, panel_to);
      add_before(up, of_up_, sums + floats_, panel, panel_to);
    }
    return context_->kernels.multiply(gate, 0, panel_to - panel);
  }

  void add_before(Linear& l, const LoraPlan& plan, float* sums, int64_t panel, int64_t panel_to) const {
    const bool extended = l.extension_count == 0 && !plan.wide.empty();
    if (!plan.runs.empty() || extended) {
      l.addends = sums;
      l.addend_stride = group_ * PANEL;
      openlora::sum_up(context_, plan, extended, l.m, sums, l.addend_stride, panel, panel_to);
    }
  }

  bool multiply_apart(float* gate_sums, int64_t panel, int64_t panel_to) const {
    const int64_t from = panel * PANEL, stride = group_ * PANEL, count = panel_to - panel;
    const int64_t width = std::min(count * PANEL, gate_.n - from);
    float* up_sums = gate_sums + floats_;
    for (int64_t row = 0; row < gate_.m; row += rows_) {
      const int64_t some = std::min(rows_, gate_.m - row);
      if (!context_->kernels.multiply(part_of(gate_, row, some, panel, width, gate_sums, stride), 0, count) ||
          !context_->kernels.multiply(part_of(up_, row, some, panel, width, up_sums, stride), 0, count)) {
        return false;
      }
      if (later_) { /* then these are all rows */
        adapt(context_, gate_, of_gate_, gate_sums, false, stride, panel, panel_to);
        adapt(context_, up_, of_up_, up_sums, false, stride, panel, panel_to);
      }
      char* to = static_cast<char*>(gate_.out) + (row * gate_.out_stride + from) * (gate_.out_bf16 ? 2 : 4);
      openlora::SiluMul product{
          {to, gate_.out_bf16, gate_.out_stride}, {gate_sums, false, stride}, {up_sums, false, stride}, width};
      context_->kernels.rows->silu_mul(product, 0, some);
    }
    return true;
  }

  ol_context* context_;
  const Linear& gate_;
  const Linear& up_;
  const LoraPlan& of_gate_;
  const LoraPlan& of_up_;
  bool later_;
  int64_t rows_ = 0;  /* multiplied at once */
  int64_t group_ = 0; /* panels, too */
  size_t floats_ = 0; /* of one product's sums, of one thread */
  float* sums_ = nullptr;
};

}  // namespace

extern "C" {

int64_t ol_packed_bytes(int64_t n, int64_t k) { return padded(n, PANEL) * padded(k, DEPTH) * 2; }

int32_t ol_pack(ol_context* context, void* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride) {
  if (context == nullptr || packed == nullptr || weight == nullptr || n < 1 || k < 1 || stride < k ||
      reinterpret_cast<uintptr_t>(packed) % 64 != 0) {
    return OL_BAD_ARGUMENT;
  }
  int64_t panels = padded(n, PANEL) / PANEL;
  auto share = [=](int thread, int threads) {
    openlora::pack(static_cast<uint16_t*>(packed), weight, n, k, stride, 1, panels * thread / threads,
                   panels * (thread + 1) / threads);
  };
  context->pool.run(share);
  return OL_OK;
}

int32_t ol_linear(ol_context* context, const ol_product* products, int64_t count, const uint16_t* x, int64_t x_stride,
                  int64_t m, int64_t k) {
  if (products == nullptr || count < 1) {
    return OL_BAD_ARGUMENT;
  }
  std::vector<LoraPlan> adapters(static_cast<size_t>(count));
  std::vector<LoraPlan*> plans;
  bool words = false, bytes = false;
  for (int64_t i = 0; i < count; i++) {
    const ol_product& p = products[i];
    if (!openlora::valid(context, p.out, x, x_stride, p.layer, m, p.n, k)) {
      return OL_BAD_ARGUMENT;
    }
    words |= p.layer.dtype == OL_BF16;
    bytes |= p.layer.dtype == OL_INT8;
    plans.push_back(&adapters[static_cast<size_t>(i)]);
    int32_t status = openlora::read(context, p.layer.adapters, m, k, p.n, plans.back());
    if (status != OL_OK) {
      return status;
    }
  }
  Linear first;
  if (m == 0) {
    return OL_OK;
  }
  if (!openlora::begin(context, x, x_stride, m, k, &first) || !openlora::arrange(context, first, words, bytes) ||
      !openlora::shrink(context, x, x_stride, k, plans.data(), static_cast<int>(count))) {
    return OL_OUT_OF_MEMORY;
  }
  std::vector<Linear> linears;
  int64_t all_panels = 0;
  for (int64_t i = 0; i < count; i++) {
    linears.push_back(first);
    complete(linears.back(), products[i].out, products[i].n, products[i].layer, *plans[static_cast<size_t>(i)]);
    all_panels += padded(products[i].n, PANEL) / PANEL;
  }
  std::atomic<bool> done{true};
  auto multiply = [&](int thread, int threads) {
    int64_t from = all_panels * thread / threads, to = all_panels * (thread + 1) / threads;
    for (size_t i = 0; i < linears.size(); i++) {
      const Linear& l = linears[i];
      int64_t panels = padded(l.n, PANEL) / PANEL;
      int64_t begin = std::max<int64_t>(0, from), end = std::min(panels, to);
      if (begin < end) {
        if (!context->kernels.multiply(l, begin, end)) {
          done = false;
        }
        char* y = static_cast<char*>(l.out) + begin * PANEL * (l.out_bf16 ? 2 : 4);
        adapt(context, l, *plans[i], y, l.out_bf16, l.out_stride, begin, end);
      }
      from -= panels;
      to -= panels;
    }
  };
  context->pool.run(multiply);
  return done ? OL_OK : OL_OUT_OF_MEMORY;
}

int32_t ol_gated_linear(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride, const uint16_t* x,
                        int64_t x_stride, const ol_layer* gate_layer, const ol_layer* up_layer, int64_t m, int64_t n,
                        int64_t k) {
  ol_rows rows{out, out_stride, out_dtype};
  if (gate_layer == nullptr || up_layer == nullptr ||
      !openlora::valid(context, rows, x, x_stride, *gate_layer, m, n, k) ||
      !openlora::valid(context, rows, x, x_stride, *up_layer, m, n, k)) {
    return OL_BAD_ARGUMENT;
  }
  LoraPlan of_gate, of_up;
  int32_t status = openlora::read(context, gate_layer->adapters, m, k, n, &of_gate);
  if (status == OL_OK) {
    status = openlora::read(context, up_layer->adapters, m, k, n, &of_up);
  }
  if (status != OL_OK || m == 0) {
    return status;
  }
  bool later = adapts_later(*gate_layer, of_gate) || adapts_later(*up_layer, of_up);
  LoraPlan* plans[] = {&of_gate, &of_up};
  Linear gate;
  bool words = gate_layer->dtype == OL_BF16 || up_layer->dtype == OL_BF16;
  bool bytes = gate_layer->dtype == OL_INT8 || up_layer->dtype == OL_INT8;
  if (!openlora::begin(context, x, x_stride, m, k, &gate) || !openlora::arrange(context, gate, words, bytes) ||
      !openlora::shrink(context, x, x_stride, k, plans, 2)) {
    return OL_OUT_OF_MEMORY;
  }
  Linear up = gate;
  complete(gate, rows, n, *gate_layer, of_gate);
  complete(up, rows, n, *up_layer, of_up);
  return Gated(context, gate, up, of_gate, of_up, later).run() ? OL_OK : OL_OUT_OF_MEMORY;
}
}
