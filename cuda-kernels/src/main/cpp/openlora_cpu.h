/* The C ABI of OpenLoRA's CPU kernels. Every function returns a status; sizes are in elements, strides
 * too, unless they say bytes. bf16 is the upper half of a float32. One context is used by one thread at
 * a time; its pool's threads are its own. */
#ifndef OPENLORA_CPU_H
#define OPENLORA_CPU_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OL_ABI_VERSION 3

#define OL_API __attribute__((visibility("default")))

enum ol_status { OL_OK = 0, OL_BAD_ARGUMENT = 1, OL_UNSUPPORTED = 2, OL_OUT_OF_MEMORY = 3, OL_NOT_FINITE = 4 };

/* What a kernel is written for. A context uses the best one that its mask and the machine both have. */
enum ol_isa { OL_AVX2 = 1, OL_AVX512_BF16 = 2, OL_AMX_BF16 = 4 };

enum ol_dtype { OL_F32 = 0, OL_BF16 = 1, OL_INT8 = 2 };

typedef struct ol_context ol_context;

OL_API int32_t ol_abi_version(void);

/* The ol_isa bits that this machine, its kernel and this build have. */
OL_API int32_t ol_machine(void);

/* threads: how many work on one call, the caller's among them. spin_ns: how long a waiting thread
 * polls before it sleeps. */
OL_API int32_t ol_open(ol_context** out, int32_t threads, int32_t isa_mask, int64_t spin_ns);
OL_API void ol_close(ol_context* context);

/* Where a faster way rounds otherwise for many rows than for one, the way for one is taken always:
 * what a row comes to is then the same in every batch. */
OL_API int32_t ol_set_deterministic(ol_context* context, int32_t on);

/* The one ol_isa bit that this context runs. */
OL_API int32_t ol_isa_of(const ol_context* context);

/* A matrix's rows: `stride` elements apart, of an ol_dtype. */
typedef struct {
  void* data;
  int64_t stride;
  int64_t dtype;
} ol_rows;

/* Bytes of a weight [n, k] in packed form: [n / 16][k / 2][16][2], both padded with zeros to 32. */
OL_API int64_t ol_packed_bytes(int64_t n, int64_t k);

/* weight: [n, k] bf16, rows `stride` apart; packed: 64-byte aligned. */
OL_API int32_t ol_pack(ol_context* context, void* packed, const uint16_t* weight, int64_t n, int64_t k, int64_t stride);

/* One adapter on rows [from, to): y = gain (y + scale x a^T b^T) + shift. Null parts are left out. */
typedef struct {
  int64_t from;
  int64_t to;
  const uint16_t* a;
  const uint16_t* b;
  int64_t rank;
  const void* gain;
  const void* shift;
  float scale;
  int32_t vector_dtype; /* of gain and shift */
  int64_t a_name;       /* not 0: no other matrix of this context ever has it, and the matrix never changes, so */
  int64_t b_name;       /* that it may be kept in another order */
} ol_segment;

/* Rows that several segments name get them in order. */
typedef struct {
  const ol_segment* segments;
  int64_t count;
} ol_adapters;

/* A weight packed by ol_pack (OL_BF16) or by ol_pack_int8 (OL_INT8), and what belongs to it; bias: bf16 or null. */
typedef struct {
  const void* packed;
  int64_t dtype;
  const uint16_t* bias;
  ol_adapters adapters;
} ol_layer;

/* A layer [n, k] over x, and where it goes: f32 or bf16 [m, n]. */
typedef struct {
  ol_rows out;
  int64_t n;
  ol_layer layer;
} ol_product;

/* out[m, n] = x[m, k] weight[n, k]^T + bias[n], and the adapters on that; x bf16; one or several layers of the same x.
 * What int8 and bf16 multiply to is summed, in f32 or, of few rows or where rows keep their bits, exactly, and then
 * scaled; elements of x under 2^-14 of their row's largest are then off by 2^-22 of that at most. */
OL_API int32_t ol_linear(ol_context* context, const ol_product* products, int64_t count, const uint16_t* x,
                         int64_t x_stride, int64_t m, int64_t k);

/* out = silu(gate) * up of two layers over x: what ol_linear twice, into f32, and ol_silu_mul come to, to the bit. */
OL_API int32_t ol_gated_linear(ol_context* context, void* out, int32_t out_dtype, int64_t out_stride,
                               const uint16_t* x, int64_t x_stride, const ol_layer* gate, const ol_layer* up, int64_t m,
                               int64_t n, int64_t k);

/* Bytes of a weight [n, k] packed as int8: a scale per row of the weight, and a byte per element. */
OL_API int64_t ol_packed_bytes_int8(int64_t n, int64_t k);

/* Packs rounded to int8: scale = max |row| / 127 in f32, int8 = weight / scale to the nearest, ties to even.
 * OL_NOT_FINITE: *bad_row is the first row that has a NaN or an infinity; n when there is none. The order is
 * the instruction set's: for contexts that run the same one. */
OL_API int32_t ol_pack_int8(ol_context* context, void* packed, const uint16_t* weight, int64_t n, int64_t k,
                            int64_t stride, int64_t* bad_row);

/* out[row] = table[ids[row]], of one dtype. OL_BAD_ARGUMENT, and nothing written, where an id is not one of the table's. */
OL_API int32_t ol_embedding(ol_context* context, const ol_rows* out, const ol_rows* table, const int32_t* ids,
                            int64_t rows, int64_t table_rows, int64_t width);

/* out = x / sqrt(mean(x^2) + epsilon) * weight, per row. */
OL_API int32_t ol_rms_norm(ol_context* context, const ol_rows* out, const ol_rows* x, const void* weight,
                           int32_t weight_dtype, int64_t rows, int64_t width, float epsilon);

/* Rotates halves in place; x: [rows, heads * head_size]; cos, sin: [*, head_size / 2]. */
OL_API int32_t ol_rope(ol_context* context, const ol_rows* x, const float* cos, const float* sin,
                       const int32_t* positions, int64_t rows, int64_t heads, int64_t head_size);

/* out = silu(gate) * up; gate and up of one dtype. */
OL_API int32_t ol_silu_mul(ol_context* context, const ol_rows* out, const ol_rows* gate, const ol_rows* up,
                           int64_t rows, int64_t width);

/* y += x */
OL_API int32_t ol_add(ol_context* context, const ol_rows* y, const ol_rows* x, int64_t rows, int64_t width);

/* The `count` greatest of each row, in order, and their indices; the lower index first among equals, a NaN as
 * infinity. values, ids: [rows, count]; count: at most 64 and at most the width. */
OL_API int32_t ol_top(ol_context* context, float* values, int32_t* ids, const ol_rows* x, int64_t rows, int64_t width,
                      int64_t count);

/* *sum = the sum of e^((x - greatest) scale) over one row of an ol_dtype, to 2e-5 of itself and mostly to 1e-6.
 * greatest: of the row; scale: above 0. */
OL_API int32_t ol_sum_exp(ol_context* context, double* sum, const void* x, int32_t dtype, int64_t width,
                          float greatest, float scale);

/* Elements of one layer's keys, or of its values, in pages of 16 positions. */
OL_API int64_t ol_kv_elements(int64_t pages, int64_t kv_heads, int64_t head_size);

typedef struct {
  uint16_t* keys;
  uint16_t* values;
  int64_t kv_heads;
  int64_t head_size;
} ol_kv;

/* Writes rows of k and v, [rows, kv_heads, head_size] of one dtype, to slots[row] = page * 16 + offset. */
OL_API int32_t ol_write_kv(ol_context* context, const ol_kv* kv, const ol_rows* k, const ol_rows* v,
                           const int32_t* slots, int64_t rows);

/* A step's sequences: rows [starts[s], starts[s + 1]) are the last of lengths[s] positions, whose pages
 * are pages[tables[s] ...]. */
typedef struct {
  const int32_t* starts;
  const int32_t* lengths;
  const int32_t* tables;
  const int32_t* pages;
  int64_t sequences;
} ol_batch;

/* Causal attention; q, out: [rows, heads, head_size], contiguous. window 0: all positions. */
OL_API int32_t ol_attention(ol_context* context, const ol_kv* kv, const ol_batch* batch, void* out,
                            int32_t out_dtype, const void* q, int32_t q_dtype, int64_t heads, float scale,
                            int64_t window);

/* Applies adapters to y: f32 or bf16 [rows, out]; x: bf16 [rows, in]. */
OL_API int32_t ol_lora(ol_context* context, const ol_rows* y, const uint16_t* x, int64_t x_stride,
                       const ol_adapters* adapters, int64_t rows, int64_t in, int64_t out);

#ifdef __cplusplus
}
#endif

#endif
