#pragma once

#include <cstdint>
#include <vector>

#include "linear.h"
#include "openlora_cpu.h"
#include "packs.h"

namespace openlora {

/* One adapter on neighbouring rows: y = gain (y + scale x A^T B^T) + shift. */
struct LoraRun {
  int64_t from;
  int64_t to;
  const uint16_t* a; /* [rank, in], null without a pair */
  const uint16_t* b; /* [out, rank] */
  int64_t rank;
  float scale;
  const void* gain; /* [out] or null */
  const void* shift;
  float* shrunk; /* [to - from, rank], with the scale */
  Packs::Key key; /* of a and b; zeros: none */
  const uint16_t* next_a = nullptr; /* what is shrunk after some ranks of this run, to be fetched behind them */
  const uint16_t* next_b = nullptr; /* what is expanded after this run, to be fetched behind its b */
};

struct Lora {
  void* y;
  bool y_bf16;
  int64_t y_stride;
  const uint16_t* x;
  int64_t x_stride;
  bool vectors_bf16; /* gain and shift */
  int64_t in;
  int64_t out;
  bool deterministic; /* the same way for any number of rows */
  bool fresh = false; /* y has nothing yet */
};

constexpr int64_t LORA_ROWS = 4; /* rows that share one pass over a matrix */

struct LoraKernels {
  /* shrunk[row][r] = scale x[row] . a[r] for r in [rank_from, rank_to), all rows of the run */
  void (*shrink)(const Lora& l, const LoraRun& run, int64_t rank_from, int64_t rank_to);
  /* the rest, for the outputs [out_from, out_to) */
  void (*expand)(const Lora& l, const LoraRun& run, int64_t out_from, int64_t out_to);
};

extern const LoraKernels lora_avx2;
extern const LoraKernels lora_avx512;
extern const LoraKernels lora_amx;

/* A run of many rows: x A^T by packed A, and that, cut into the upper and the lower half of its bits, by
 * packed [B | B]; so what B sees has 16 bits of mantissa and not the 8 of one bf16. */
struct WideRun {
  LoraRun run;
  bool kept = false; /* a and b are packed already */
  uint16_t* a = nullptr;
  uint16_t* b = nullptr;
  uint16_t* halves = nullptr; /* of the first row; as Extension.x */
};

/* The adapters of one product. Runs change y one after the other; before them, the extensions of wide runs
 * are part of the product or added to it. */
struct LoraPlan {
  int64_t out;
  bool vectors_bf16 = false;
  std::vector<LoraRun> runs;
  std::vector<WideRun> wide;
  std::vector<Extension> extensions; /* of the wide runs, in their order */

  bool empty() const { return runs.empty() && wide.empty(); }
};

/* Reads segments of at most `rows` rows; an ol_status. */
int32_t read(const ol_context* context, const ol_adapters& adapters, int64_t rows, int64_t in, int64_t out,
             LoraPlan* plan);

/* What all runs of plans with the same x have to do before any of them expands. False without memory. */
bool shrink(ol_context* context, const uint16_t* x, int64_t x_stride, int64_t in, LoraPlan* const* plans, int count);

/* Adds what the wide runs come to, for products that did not take it in: the columns of the panels [panel, panel_to), all
 * rows; y: the first row's first of them. */
void extend(const ol_context* context, const LoraPlan& plan, void* y, bool y_bf16, int64_t y_stride, int64_t panel,
            int64_t panel_to);

/* The runs, on the columns [from, to) of all rows; y: the first row's column `from`. */
void expand(const ol_context* context, const LoraPlan& plan, void* y, bool y_bf16, int64_t y_stride, int64_t from,
            int64_t to);

/* Whether all that a plan's adapters do to a row is to add to it, once. */
bool adds_once(const LoraPlan& plan);

/* Whether each of a plan's runs works long enough on what it reads of B that it need not be long. */
bool reads_pieces(const LoraPlan& plan);

/* y = what the runs of a plan that adds once come to, and its wide runs where `extended`; else zero. The columns of the
 * panels [panel, panel_to) of all rows, f32; y: the first row's first of them. */
void sum_up(const ol_context* context, const LoraPlan& plan, bool extended, int64_t rows, float* y, int64_t y_stride,
            int64_t panel, int64_t panel_to);

}  // namespace openlora
