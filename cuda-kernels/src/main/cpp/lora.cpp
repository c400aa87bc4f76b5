/* Adapters over a batch: SGMV for runs of few rows, packed products for wide ones. */
#include "lora.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <vector>

#include "bf16.h"
#include "context.h"

using namespace openlora;

namespace {

/* From this many rows on, packing A and B costs less than what the product over tiles saves (measured: at 16
 * rows not yet, at 32 a quarter). */
constexpr int64_t WIDE_ROWS = 24;
constexpr int64_t ROW_BLOCK = 32;
constexpr int64_t PANEL_BLOCK = 16;
constexpr int64_t RANK_PART = 8;
constexpr int64_t OUT_PART = 512;

int64_t panels(int64_t n) { return padded(n, PANEL) / PANEL; }

/* A run of many rows: x A^T by packed A, and that, cut into the upper and the lower half of its bits,
 * by packed [B | B]; so what B sees has 16 bits of mantissa and not the 8 of one bf16. */
struct WideRun {
  LoraRun* run;
  int64_t depth; /* of the halves: 2 rank, padded */
  uint16_t* a;
  uint16_t* b;
  uint16_t* halves; /* [rows, depth] */
};

void halve(const WideRun& wide, int64_t from, int64_t to) {
  const LoraRun& run = *wide.run;
  for (int64_t row = from; row < to; row++) {
    const float* shrunk = run.shrunk + row * run.rank;
    uint16_t* halves = wide.halves + row * wide.depth;
    for (int64_t r = 0; r < run.rank; r++) {
      float value = shrunk[r] * run.scale;
      halves[r] = narrow(value);
      halves[run.rank + r] = narrow(value - widen(halves[r]));
    }
    std::memset(halves + 2 * run.rank, 0, static_cast<size_t>(wide.depth - 2 * run.rank) * 2);
  }
}

/* A piece of one run's work. */
struct Part {
  size_t run;
  int64_t from;
  int64_t to;
};

void cut(std::vector<Part>& parts, size_t run, int64_t size, int64_t piece) {
  for (int64_t from = 0; from < size; from += piece) {
    parts.push_back({run, from, std::min(size, from + piece)});
  }
}

/* Every thread takes the next part until none is left. */
template <typename Body>
void each(Pool& pool, const std::vector<Part>& parts, Body body) {
  if (parts.empty()) {
    return;
  }
  std::atomic<size_t> next{0};
  auto work = [&](int, int) {
    for (size_t i = next.fetch_add(1); i < parts.size(); i = next.fetch_add(1)) {
      body(parts[i]);
    }
  };
  pool.run(work);
}

/* False when there is no memory. */
bool apply_wide(ol_context* context, const Lora& l, std::vector<WideRun>& runs) {
  size_t elements = 0;
  auto place = [&](int64_t count) {
    size_t at = elements;
    elements += static_cast<size_t>(padded(count, 32));
    return at;
  };
  struct Places {
    size_t a, b, halves;
  };
  std::vector<Places> places;
  for (WideRun& wide : runs) {
    const LoraRun& run = *wide.run;
    wide.depth = padded(2 * run.rank, DEPTH);
    places.push_back({place(panels(run.rank) * PANEL * l.in), place(panels(l.out) * PANEL * wide.depth),
                      place((run.to - run.from) * wide.depth)});
  }
  uint16_t* memory = static_cast<uint16_t*>(context->packed.of(elements * 2));
  if (memory == nullptr) {
    return false;
  }
  std::vector<Part> packs, shrinks, expands;
  for (size_t i = 0; i < runs.size(); i++) {
    WideRun& wide = runs[i];
    wide.a = memory + places[i].a;
    wide.b = memory + places[i].b;
    wide.halves = memory + places[i].halves;
    /* Panels of A first, of B behind them. */
    cut(packs, i, panels(wide.run->rank) + panels(l.out), PANEL_BLOCK);
    cut(shrinks, i, wide.run->to - wide.run->from, ROW_BLOCK);
    cut(expands, i, panels(l.out), PANEL_BLOCK);
  }
  each(context->pool, packs, [&](const Part& part) {
    const WideRun& wide = runs[part.run];
    const LoraRun& run = *wide.run;
    int64_t of_a = panels(run.rank);
    if (part.from < of_a) {
      pack(wide.a, run.a, run.rank, l.in, l.in, 1, part.from, std::min(part.to, of_a));
    }
    if (part.to > of_a) {
      pack(wide.b, run.b, l.out, run.rank, run.rank, 2, std::max<int64_t>(part.from - of_a, 0), part.to - of_a);
    }
  });
  each(context->pool, shrinks, [&](const Part& part) {
    const WideRun& wide = runs[part.run];
    const LoraRun& run = *wide.run;
    Linear shrink{run.shrunk + part.from * run.rank,
                  false,
                  run.rank,
                  l.x + (run.from + part.from) * l.x_stride,
                  l.x_stride,
                  wide.a,
                  nullptr,
                  part.to - part.from,
                  run.rank,
                  l.in};
    context->kernels.linear(shrink, 0, panels(run.rank));
    halve(wide, part.from, part.to);
  });
  int64_t y_bytes = l.y_bf16 ? 2 : 4;
  each(context->pool, expands, [&](const Part& part) {
    const WideRun& wide = runs[part.run];
    const LoraRun& run = *wide.run;
    Linear expand{static_cast<char*>(l.y) + run.from * l.y_stride * y_bytes,
                  l.y_bf16,
                  l.y_stride,
                  wide.halves,
                  wide.depth,
                  wide.b,
                  nullptr,
                  run.to - run.from,
                  l.out,
                  wide.depth,
                  true};
    context->kernels.linear(expand, part.from, part.to);
  });
  return true;
}

}  // namespace

extern "C" {

int32_t ol_set_deterministic(ol_context* context, int32_t on) {
  if (context == nullptr) {
    return OL_BAD_ARGUMENT;
  }
  context->deterministic = on != 0;
  return OL_OK;
}

int32_t ol_lora(ol_context* context, const ol_rows* y, const uint16_t* x, int64_t x_stride, const ol_segment* segments,
                int64_t count, int64_t in, int64_t out) {
  if (context == nullptr || !valid(y, out) || x == nullptr || x_stride < in || segments == nullptr || count < 0 ||
      in < 1 || out < 1) {
    return OL_BAD_ARGUMENT;
  }
  /* Neighbours with the same matrices are one run; a run that touches rows of an earlier one begins a
   * new turn, after which all threads meet. */
  std::vector<LoraRun> runs;
  std::vector<size_t> turns{0};
  int64_t shrunk = 0;
  int64_t lowest = 0, highest = 0;
  for (int64_t i = 0; i < count; i++) {
    const ol_segment& s = segments[i];
    if (s.from < 0 || s.to <= s.from || (s.a == nullptr) != (s.b == nullptr) || (s.a != nullptr && s.rank < 1) ||
        !floating(s.vector_dtype) || s.vector_dtype != segments[0].vector_dtype) {
      return OL_BAD_ARGUMENT;
    }
    int64_t rank = s.a == nullptr ? 0 : s.rank;
    shrunk += (s.to - s.from) * rank;
    bool new_turn = runs.size() > turns.back() && s.from < highest && s.to > lowest;
    if (new_turn) {
      turns.push_back(runs.size());
    }
    if (runs.size() > turns.back()) {
      LoraRun& last = runs.back();
      lowest = std::min(lowest, s.from);
      highest = std::max(highest, s.to);
      if (last.to == s.from && last.a == s.a && last.b == s.b && last.scale == s.scale && last.gain == s.gain &&
          last.shift == s.shift) {
        last.to = s.to;
        continue;
      }
    } else {
      lowest = s.from;
      highest = s.to;
    }
    runs.push_back({s.from, s.to, s.a, s.b, rank, s.scale, s.gain, s.shift, nullptr});
  }
  float* memory = static_cast<float*>(context->scratch.of(static_cast<size_t>(std::max<int64_t>(shrunk, 1)) * 4));
  if (memory == nullptr) {
    return OL_OUT_OF_MEMORY;
  }
  for (LoraRun& run : runs) {
    run.shrunk = memory;
    memory += (run.to - run.from) * run.rank;
  }
  Lora l{y->data, y->dtype == OL_BF16, y->stride, x, x_stride, count > 0 && segments[0].vector_dtype == OL_BF16, in,
         out};
  /* Long reads are fast reads: matrices are cut only where there are too few of them for all threads. */
  bool many = runs.size() >= 4 * static_cast<size_t>(context->pool.threads());
  int64_t out_part = many ? out : OUT_PART;
  bool wide_ones = !context->deterministic && in % DEPTH == 0;
  turns.push_back(runs.size());
  std::vector<Part> shrinks, expands;
  std::vector<WideRun> wide;
  for (size_t turn = 0; turn + 1 < turns.size(); turn++) {
    shrinks.clear();
    expands.clear();
    wide.clear();
    for (size_t i = turns[turn]; i < turns[turn + 1]; i++) {
      LoraRun& run = runs[i];
      if (wide_ones && run.rank > 0 && run.to - run.from >= WIDE_ROWS) {
        wide.push_back({&run, 0, nullptr, nullptr, nullptr});
      } else {
        cut(shrinks, i, run.rank, many ? std::max<int64_t>(run.rank, 1) : RANK_PART);
        cut(expands, i, out, out_part);
      }
    }
    if (!wide.empty() && !apply_wide(context, l, wide)) {
      return OL_OUT_OF_MEMORY;
    }
    for (WideRun& done : wide) {
      done.run->rank = 0;
      if (done.run->gain != nullptr || done.run->shift != nullptr) {
        cut(expands, static_cast<size_t>(done.run - runs.data()), out, out_part);
      }
    }
    each(context->pool, shrinks, [&](const Part& part) {
      context->kernels.lora->shrink(l, runs[part.run], part.from, part.to);
    });
    each(context->pool, expands, [&](const Part& part) {
      context->kernels.lora->expand(l, runs[part.run], part.from, part.to);
    });
  }
  return OL_OK;
}
}
