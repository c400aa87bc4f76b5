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

/* Elements of a row that one thread sums: fixed, so that the sum is the same on any number of threads. */
constexpr int64_t SUM_PART = 8 * 1024;

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

uint16_t rounded(float value) { return narrow(value); }
uint16_t rounded(uint16_t value) { return value; }

/* Rows [from, to) of k and v to their slots. */
template <typename T>
void write_kv(const KvLayer& kv, const ol_rows* k, const ol_rows* v, const int32_t* slots, int64_t from, int64_t to) {
  int64_t size = kv.head_size;
  for (int64_t row = from; row < to; row++) {
    int64_t page = slots[row] / PAGE;
    int64_t at = slots[row] % PAGE;
    for (int64_t head = 0; head < kv.kv_heads; head++) {
      const T* key = static_cast<const T*>(k->data) + row * k->stride + head * size;
      const T* value = static_cast<const T*>(v->data) + row * v->stride + head * size;
      uint16_t* keys = kv.key_page(page, head) + 2 * at;
      uint16_t* values = kv.value_page(page, head) + at / 2 * 2 * size + at % 2;
      for (int64_t d = 0; d < size; d += 2, keys += 2 * PAGE) {
        uint16_t pair[] = {rounded(key[d]), d + 1 < size ? rounded(key[d + 1]) : uint16_t{0}};
        std::memcpy(keys, pair, sizeof pair);
      }
      for (int64_t d = 0; d < size; d++) {
        values[2 * d] = rounded(value[d]);
      }
    }
  }
}

/* Rows of a job. As many as share what is read of a page, and fewer where threads would be left over. */
int64_t job_rows(const Attention& a, int64_t rows, int64_t threads) {
  int64_t shared = std::max<int64_t>(1, ATTENTION_VECTORS / a.group());
  int64_t filled = std::max<int64_t>(1, ATTENTION_BLOCK / a.group());
  return std::clamp(rows * a.kv.kv_heads / (4 * threads), filled, shared);
}

}  // namespace

extern "C" {

int32_t ol_embedding(ol_context* context, const ol_rows* out, const ol_rows* table, const int32_t* ids, int64_t rows,
                     int64_t table_rows, int64_t width) {
  if (context == nullptr || !valid(out, width) || !valid(table, width) || out->dtype != table->dtype ||
      ids == nullptr || rows < 0 || table_rows < 1 || width < 1) {
    return OL_BAD_ARGUMENT;
  }
  for (int64_t row = 0; row < rows; row++) {
    if (ids[row] < 0 || ids[row] >= table_rows) {
      return OL_BAD_ARGUMENT;
    }
  }
  int64_t element_bytes = out->dtype == OL_BF16 ? 2 : 4;
  share_rows(context, rows, width, [&](int64_t from, int64_t to) {
    for (int64_t row = from; row < to; row++) {
      std::memcpy(static_cast<char*>(out->data) + row * out->stride * element_bytes,
                  static_cast<const char*>(table->data) + ids[row] * table->stride * element_bytes,
                  static_cast<size_t>(width * element_bytes));
    }
  });
  return OL_OK;
}

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

int32_t ol_top(ol_context* context, float* values, int32_t* ids, const ol_rows* x, int64_t rows, int64_t width,
               int64_t count) {
  if (context == nullptr || values == nullptr || ids == nullptr || !valid(x, width) || rows < 0 || width < 1 ||
      width > INT32_MAX || count < 1 || count > TOP_MOST || count > width) {
    return OL_BAD_ARGUMENT;
  }
  Top t{of(x), width, values, ids, count};
  share_rows(context, rows, 2 * width, [&](int64_t from, int64_t to) { context->kernels.rows->top(t, from, to); });
  return OL_OK;
}

int32_t ol_sum_exp(ol_context* context, double* sum, const void* x, int32_t dtype, int64_t width, float greatest,
                   float scale) {
  if (context == nullptr || sum == nullptr || x == nullptr || !floating(dtype) || width < 1 || !(scale > 0)) {
    return OL_BAD_ARGUMENT;
  }
  int64_t parts = (width + SUM_PART - 1) / SUM_PART;
  double* sums = static_cast<double*>(context->scratch.of(static_cast<size_t>(parts) * sizeof(double)));
  if (sums == nullptr) {
    return OL_OUT_OF_MEMORY;
  }
  SumExp s{x, dtype == OL_BF16, greatest, scale};
  share_rows(context, parts, 4 * SUM_PART, [&](int64_t from, int64_t to) {
    for (int64_t part = from; part < to; part++) {
      sums[part] = context->kernels.rows->sum_exp(s, part * SUM_PART, std::min(width, (part + 1) * SUM_PART));
    }
  });
  *sum = 0;
  for (int64_t part = 0; part < parts; part++) {
    *sum += sums[part];
  }
  return OL_OK;
}

int64_t ol_kv_elements(int64_t pages, int64_t kv_heads, int64_t head_size) {
  return pages * kv_heads * KvLayer::page_elements(head_size);
}

int32_t ol_write_kv(ol_context* context, const ol_kv* kv, const ol_rows* k, const ol_rows* v, const int32_t* slots,
                    int64_t rows) {
  if (context == nullptr || !valid(kv) || slots == nullptr || !valid(k, kv->kv_heads * kv->head_size) ||
      !valid(v, kv->kv_heads * kv->head_size) || k->dtype != v->dtype || rows < 0) {
    return OL_BAD_ARGUMENT;
  }
  for (int64_t row = 0; row < rows; row++) {
    if (slots[row] < 0) {
      return OL_BAD_ARGUMENT;
    }
  }
  KvLayer layer{kv->keys, kv->values, kv->kv_heads, kv->head_size};
  auto write = [&](int64_t from, int64_t to) {
    if (k->dtype == OL_BF16) {
      write_kv<uint16_t>(layer, k, v, slots, from, to);
    } else {
      write_kv<float>(layer, k, v, slots, from, to);
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
              window};
  int64_t all_rows = batch->sequences == 0 ? 0 : batch->starts[batch->sequences] - batch->starts[0];
  int64_t most_rows = job_rows(a, all_rows, context->pool.threads());
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
  int64_t scratch_floats = (attention_scratch(kv->head_size, a.group()) + 15) / 16 * 16;
  float* scratch =
      static_cast<float*>(context->scratch.of(static_cast<size_t>(scratch_floats * context->pool.threads()) * 4));
  if (scratch == nullptr) {
    return OL_OUT_OF_MEMORY;
  }
  /* The last rows of a prompt first: they see most, and whoever ends last should have had little to do. */
  std::atomic<size_t> next{0};
  auto work = [&](int thread, int) {
    for (size_t i = next.fetch_add(1); i < jobs.size(); i = next.fetch_add(1)) {
      context->kernels.attention(a, jobs[jobs.size() - 1 - i], scratch + thread * scratch_floats);
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
