/* The operations around the matrix products: arguments checked, work shared out over the pool. What a
 * thread gets depends only on the sizes, and no result depends on which thread computed it. */
#include <algorithm>
#include <cstring>
#include <vector>

#include "bf16.h"
#include "context.h"

using namespace openlora;

namespace {

/* Elements below which waking another thread costs more than it saves. */
constexpr int64_t WORTH_SHARING = 16 * 1024;

/* a b, or what no stride reaches. */
int64_t width_of(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}

bool valid(const ol_kv* kv) {
  return kv != nullptr && kv->keys != nullptr && kv->values != nullptr && kv->kv_heads > 0 && kv->head_size > 0 &&
         width_of(kv->kv_heads, kv->head_size) < INT64_MAX / PAGE;
}

bool valid(const ol_batch* batch) {
  if (batch == nullptr || batch->starts == nullptr || batch->lengths == nullptr || batch->tables == nullptr ||
      batch->pages == nullptr || batch->sequences < 0) {
    return false;
  }
  for (int64_t s = 0; s < batch->sequences; s++) {
    int64_t rows = batch->starts[s + 1] - batch->starts[s];
    if (batch->starts[s] < 0 || rows < 0 || batch->lengths[s] < rows || batch->tables[s] < 0) {
      return false;
    }
  }
  return true;
}

Rows of(const ol_rows* rows) { return {rows->data, rows->dtype == OL_BF16, rows->stride}; }

template <typename Body>
void share_rows(ol_context* context, int64_t rows, int64_t width, Body body) {
  if (rows == 1 || rows * width < WORTH_SHARING) {
    body(0, rows);
    return;
  }
  auto part = [&](int thread, int threads) { body(rows * thread / threads, rows * (thread + 1) / threads); };
  context->pool.run(part);
}

uint16_t element(const ol_rows* rows, int64_t row, int64_t column) {
  int64_t at = row * rows->stride + column;
  return rows->dtype == OL_BF16 ? static_cast<const uint16_t*>(rows->data)[at]
                                : narrow(static_cast<const float*>(rows->data)[at]);
}

}  // namespace

extern "C" {

int32_t ol_rms_norm(ol_context* context, const ol_rows* out, const ol_rows* x, const void* weight,
                    int32_t weight_dtype, int64_t rows, int64_t width, float epsilon) {
  if (context == nullptr || !valid(out, width) || !valid(x, width) || weight == nullptr ||
      !floating(weight_dtype) || rows < 0 || width < 1) {
    return OL_BAD_ARGUMENT;
  }
  RmsNorm n{of(out), of(x), weight, weight_dtype == OL_BF16, width, epsilon};
  share_rows(context, rows, width, [&](int64_t from, int64_t to) { context->kernels.rows->rms_norm(n, from, to); });
  return OL_OK;
}

int32_t ol_rope(ol_context* context, const ol_rows* x, const float* cos, const float* sin, const int32_t* positions,
                int64_t rows, int64_t heads, int64_t head_size) {
  if (context == nullptr || !valid(x, width_of(heads, head_size)) || cos == nullptr || sin == nullptr ||
      positions == nullptr || rows < 0 || heads < 1 || head_size < 2 || head_size % 2 != 0) {
    return OL_BAD_ARGUMENT;
  }
  Rope r{of(x), cos, sin, positions, heads, head_size};
  share_rows(context, rows, heads * head_size,
             [&](int64_t from, int64_t to) { context->kernels.rows->rope(r, from, to); });
  return OL_OK;
}

int32_t ol_silu_mul(ol_context* context, const ol_rows* out, const ol_rows* gate, const ol_rows* up, int64_t rows,
                    int64_t width) {
  if (context == nullptr || !valid(out, width) || !valid(gate, width) || !valid(up, width) ||
      gate->dtype != up->dtype || rows < 0 || width < 1) {
    return OL_BAD_ARGUMENT;
  }
  SiluMul s{of(out), of(gate), of(up), width};
  share_rows(context, rows, 4 * width, [&](int64_t from, int64_t to) { context->kernels.rows->silu_mul(s, from, to); });
  return OL_OK;
}

int32_t ol_add(ol_context* context, const ol_rows* y, const ol_rows* x, int64_t rows, int64_t width) {
  if (context == nullptr || !valid(y, width) || !valid(x, width) || rows < 0 || width < 1) {
    return OL_BAD_ARGUMENT;
  }
  Add a{of(y), of(x), width};
  share_rows(context, rows, width, [&](int64_t from, int64_t to) { context->kernels.rows->add(a, from, to); });
  return OL_OK;
}

int64_t ol_kv_elements(int64_t pages, int64_t kv_heads, int64_t head_size) {
  return pages * kv_heads * head_size * PAGE;
}

int32_t ol_write_kv(ol_context* context, const ol_kv* kv, const ol_rows* k, const ol_rows* v, const int32_t* slots,
                    int64_t rows) {
  if (context == nullptr || !valid(kv) || slots == nullptr || !valid(k, kv->kv_heads * kv->head_size) ||
      !valid(v, kv->kv_heads * kv->head_size) || rows < 0) {
    return OL_BAD_ARGUMENT;
  }
  for (int64_t row = 0; row < rows; row++) {
    if (slots[row] < 0) {
      return OL_BAD_ARGUMENT;
    }
  }
  KvLayer layer{kv->keys, kv->values, kv->kv_heads, kv->head_size};
  auto write = [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      int64_t page = slots[row] / PAGE;
      int64_t at = slots[row] % PAGE;
      for (int64_t head = 0; head < layer.kv_heads; head++) {
        uint16_t* keys = layer.key_page(page, head) + at;
        uint16_t* values = layer.value_page(page, head) + at * layer.head_size;
        for (int64_t d = 0; d < layer.head_size; d++) {
          keys[d * PAGE] = element(k, row, head * layer.head_size + d);
          values[d] = element(v, row, head * layer.head_size + d);
        }
      }
    }
  };
  share_rows(context, rows, 4 * kv->kv_heads * kv->head_size, write);
  return OL_OK;
}

int32_t ol_attention(ol_context* context, const ol_kv* kv, const ol_batch* batch, void* out, int32_t out_dtype,
                     const void* q, int32_t q_dtype, int64_t heads, float scale, int64_t window) {
  if (context == nullptr || !valid(kv) || !valid(batch) || out == nullptr || !floating(out_dtype) || q == nullptr ||
      !floating(q_dtype) || heads < 1 || heads % kv->kv_heads != 0 || window < 0) {
    return OL_BAD_ARGUMENT;
  }
  Attention a{{kv->keys, kv->values, kv->kv_heads, kv->head_size},
              out,
              out_dtype == OL_BF16,
              q,
              q_dtype == OL_BF16,
              heads,
              scale,
              window,
              batch->pages};
  /* Long chunks are cut, so that the last ones of a prompt, which see most, are shared too. */
  int64_t most_rows = std::max<int64_t>(1, ATTENTION_ROWS / (heads / kv->kv_heads));
  std::vector<AttentionJob> jobs;
  int64_t positions = 0;
  for (int64_t s = 0; s < batch->sequences; s++) {
    int64_t rows = batch->starts[s + 1] - batch->starts[s];
    for (int64_t row = 0; row < rows; row += most_rows) {
      int64_t count = std::min(most_rows, rows - row);
      int64_t position = batch->lengths[s] - rows + row;
      positions += position + count;
      for (int64_t head = 0; head < kv->kv_heads; head++) {
        jobs.push_back({batch->starts[s] + row, count, position, batch->pages + batch->tables[s], head});
      }
    }
  }
  int64_t scratch_floats = (attention_scratch(kv->head_size) + 15) / 16 * 16;
  float* scratch =
      static_cast<float*>(context->scratch.of(static_cast<size_t>(scratch_floats * context->pool.threads()) * 4));
  if (scratch == nullptr) {
    return OL_OUT_OF_MEMORY;
  }
  std::atomic<size_t> next{0};
  auto work = [&](int thread, int) {
    for (size_t i = next.fetch_add(1); i < jobs.size(); i = next.fetch_add(1)) {
      context->kernels.attention(a, jobs[i], scratch + thread * scratch_floats);
    }
  };
  if (positions * heads * kv->head_size < WORTH_SHARING) {
    work(0, 1);
  } else {
    context->pool.run(work);
  }
  return OL_OK;
}
}
