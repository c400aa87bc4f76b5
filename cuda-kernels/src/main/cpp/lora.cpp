/* Adapters over a batch: SGMV for runs of few rows; more columns of the product for runs of many. */
#include "lora.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <deque>
#include <vector>

#include "bf16.h"
#include "context.h"

namespace openlora {

namespace {

/* From this many rows on, packing A and B costs less than what the product over tiles saves (measured: at 16
 * rows not yet, at 32 a quarter). */
constexpr int64_t WIDE_ROWS = 24;
constexpr int64_t ROW_PART = 32;
constexpr int64_t PANEL_PART = 16;
constexpr int64_t RANK_PART = 8;
/* The matrices of so many short runs are read in turns, some columns at a time: one alone is not fetched in time.
 * Runs of more rows work long enough on what they read. */
constexpr size_t STREAMS = 4;
constexpr int64_t STREAMED_COLUMNS = 128;
constexpr int64_t SHORT_ROWS = 2;

int64_t panels(int64_t n) { return padded(n, PANEL) / PANEL; }

bool valid(const ol_segment& s, int64_t rows, int32_t vector_dtype) {
  return s.from >= 0 && s.to > s.from && s.to <= rows && (s.a == nullptr) == (s.b == nullptr) &&
         (s.a == nullptr || s.rank > 0) && floating(s.vector_dtype) && s.vector_dtype == vector_dtype;
}

bool continues(const LoraRun& last, const ol_segment& s) {
  return last.to == s.from && last.a == s.a && last.b == s.b && last.scale == s.scale && last.gain == s.gain &&
         last.shift == s.shift;
}

bool short_run(const LoraRun& run) { return run.to - run.from <= SHORT_ROWS; }

bool changes_sums(const LoraRun& run) { return run.gain != nullptr || run.shift != nullptr; }

/* The halves of the rows [from, to); with the first and the last ones the margins' zeros. */
void halve(const WideRun& wide, int64_t depth, int64_t from, int64_t to) {
  const LoraRun& run = wide.run;
  size_t margin = static_cast<size_t>(EXTENSION_MARGIN * depth) * 2;
  if (from == 0) {
    std::memset(wide.halves - EXTENSION_MARGIN * depth, 0, margin);
  }
  if (to == run.to - run.from) {
    std::memset(wide.halves + to * depth, 0, margin);
  }
  for (int64_t row = from; row < to; row++) {
    const float* shrunk = run.shrunk + row * run.rank;
    uint16_t* halves = wide.halves + row * depth;
    for (int64_t r = 0; r < run.rank; r++) {
      float value = shrunk[r] * run.scale;
      halves[r] = narrow(value);
      halves[run.rank + r] = narrow(value - widen(halves[r]));
    }
    std::memset(halves + 2 * run.rank, 0, static_cast<size_t>(depth - 2 * run.rank) * 2);
  }
}

/* A piece of one run's work. */
template <typename Run>
struct Part {
  Run* run;
  int64_t from;
  int64_t to;
};

template <typename Run>
void cut(std::vector<Part<Run>>& parts, Run* run, int64_t size, int64_t piece) {
  for (int64_t from = 0; from < size; from += piece) {
    parts.push_back({run, from, std::min(size, from + piece)});
  }
}

int64_t a_elements(const LoraRun& run, int64_t in) { return panels(run.rank) * PANEL * in; }

int64_t b_elements(const LoraPlan& plan, const Extension& extension) {
  return panels(plan.out) * PANEL * extension.depth;
}

/* Finds kept matrices, or memory to keep them in. */
void find_kept(Packs& packs, const LoraPlan& plan, WideRun& wide, const Extension& extension, int64_t in) {
  if (wide.run.key.a == 0 || wide.run.key.b == 0) {
    return;
  }
  int64_t of_a = a_elements(wide.run, in);
  wide.a = packs.find(wide.run.key);
  wide.kept = wide.a != nullptr;
  if (!wide.kept) {
    wide.a = packs.add(wide.run.key, static_cast<size_t>(of_a + b_elements(plan, extension)) * 2);
  }
  wide.b = wide.a == nullptr ? nullptr : wide.a + of_a;
}

/* Panels [from, to) of A and, behind them, of B. */
void pack_part(const LoraPlan& plan, const WideRun& wide, int64_t in, int64_t from, int64_t to) {
  const LoraRun& run = wide.run;
  int64_t of_a = panels(run.rank);
  if (from < of_a) {
    pack(wide.a, run.a, run.rank, in, in, 1, from, std::min(to, of_a));
  }
  if (to > of_a) {
    pack(wide.b, run.b, plan.out, run.rank, run.rank, 2, std::max<int64_t>(from - of_a, 0), to - of_a);
  }
}

/* One of a plan's wide runs. */
struct Wide {
  LoraPlan* plan;
  size_t index;

  WideRun& run() const { return plan->wide[index]; }
  Extension& extension() const { return plan->extensions[index]; }
};

/* What comes before expanding, for all runs of some plans. */
struct Shrinking {
  ol_context* context;
  const uint16_t* x;
  int64_t x_stride;
  int64_t in;
  LoraPlan* const* plans;
  int count;
  std::vector<Wide> wide;
  std::vector<Part<LoraRun>> shrinks;
  std::vector<Part<Wide>> packs;
  std::deque<std::vector<Wide*>> same_rows;
  std::vector<Part<std::vector<Wide*>>> products;

  template <typename Body>
  void each_run(Body body) const {
    for (int i = 0; i < count; i++) {
      for (LoraRun& run : plans[i]->runs) {
        body(run);
      }
      for (WideRun& each : plans[i]->wide) {
        body(each.run);
      }
    }
  }

  int64_t floats() const {
    int64_t sum = 0;
    each_run([&](const LoraRun& run) { sum += (run.to - run.from) * run.rank; });
    return sum;
  }

  /* Gives every run memory for what it computes; false when there is none. */
  bool place() {
    float* sums = static_cast<float*>(context->shrunk.of(static_cast<size_t>(floats()) * 4));
    if (sums == nullptr) {
      return false;
    }
    each_run([&](LoraRun& run) {
      run.shrunk = sums;
      sums += (run.to - run.from) * run.rank;
    });
    context->packs.begin();
    for (int i = 0; i < count; i++) {
      for (size_t w = 0; w < plans[i]->wide.size(); w++) {
        wide.push_back({plans[i], w});
        find_kept(context->packs, *plans[i], wide.back().run(), wide.back().extension(), in);
      }
    }
    size_t bytes = place_wide(nullptr);
    uint16_t* memory = static_cast<uint16_t*>(context->packed.of(bytes));
    if (bytes > 0 && memory == nullptr) {
      context->packs.clear(); /* some wait for what is not packed now */
      return false;
    }
    place_wide(memory);
    return true;
  }

  /* Bytes of the halves of all wide runs and of the matrices that have no place yet; gives them places when there
   * is memory. */
  size_t place_wide(uint16_t* memory) {
    size_t elements = 0;
    auto next = [&](int64_t size) {
      uint16_t* at = memory == nullptr ? nullptr : memory + elements;
      elements += static_cast<size_t>(padded(size, 32));
      return at;
    };
    for (Wide& each : wide) {
      WideRun& run = each.run();
      Extension& extension = each.extension();
      int64_t margin = EXTENSION_MARGIN * extension.depth;
      if (run.a == nullptr) {
        uint16_t* a = next(a_elements(run.run, in));
        uint16_t* b = next(b_elements(*each.plan, extension));
        run.a = a;
        run.b = b;
      }
      uint16_t* halves = next((run.run.to - run.run.from) * extension.depth + 2 * margin);
      if (halves != nullptr) {
        run.halves = halves + margin;
        extension.x = run.halves;
        extension.packed = run.b;
      }
    }
    return elements * 2;
  }

  void cut_up() {
    size_t runs = 0;
    for (int i = 0; i < count; i++) {
      runs += plans[i]->runs.size();
    }
    /* Long reads are fast reads: matrices are cut only where there are too few of them for all threads. */
    bool many = runs >= 4 * static_cast<size_t>(context->pool.threads());
    for (int i = 0; i < count; i++) {
      for (LoraRun& run : plans[i]->runs) {
        cut(shrinks, &run, run.rank, many ? std::max<int64_t>(run.rank, 1) : RANK_PART);
      }
    }
    for (Wide& each : wide) {
      const LoraRun& run = each.run().run;
      if (!each.run().kept) {
        cut(packs, &each, panels(run.rank) + panels(each.plan->out), PANEL_PART);
      }
    }
    cut_products();
  }

  /* Rows of x that several plans multiply are read once for all of them. */
  void cut_products() {
    std::vector<Wide*> left;
    for (Wide& each : wide) {
      left.push_back(&each);
    }
    while (!left.empty()) {
      const LoraRun& first = left.front()->run().run;
      auto others = std::stable_partition(left.begin(), left.end(), [&](const Wide* each) {
        return each->run().run.from == first.from && each->run().run.to == first.to;
      });
      same_rows.emplace_back(left.begin(), others);
      cut(products, &same_rows.back(), first.to - first.from, ROW_PART);
      left.erase(left.begin(), others);
    }
  }

  /* Threads take one piece of work after the other: body(piece, the one after it). */
  template <typename Body>
  void share(size_t pieces, Body body) {
    if (pieces == 0) {
      return;
    }
    std::atomic<size_t> next{0};
    auto work = [&](int, int) {
      for (size_t i = next.fetch_add(1), then; i < pieces; i = then) {
        then = next.fetch_add(1);
        body(i, then);
      }
    };
    context->pool.run(work);
  }

  void prepare() {
    Lora l{nullptr, false, 0, x, x_stride, false, in, 0, context->deterministic};
    share(shrinks.size() + packs.size(), [&](size_t i, size_t then) {
      if (i < shrinks.size()) {
        const Part<LoraRun>& next = shrinks[then < shrinks.size() ? then : i];
        LoraRun run = *shrinks[i].run;
        run.next_a = next.run->a + next.from * in;
        context->kernels.lora->shrink(l, run, shrinks[i].from, shrinks[i].to);
      } else {
        const Part<Wide>& part = packs[i - shrinks.size()];
        pack_part(*part.run->plan, part.run->run(), in, part.from, part.to);
      }
    });
  }

  void multiply() {
    share(products.size(), [&](size_t i, size_t) {
      for (Wide* each : *products[i].run) {
        multiply(*each, products[i].from, products[i].to);
      }
    });
  }

  /* Rows [from, to) of a run times its A. */
  void multiply(const Wide& wide, int64_t from, int64_t to) {
    const LoraRun& run = wide.run().run;
    Linear product;
    product.out = run.shrunk + from * run.rank;
    product.out_stride = run.rank;
    product.x = x + (run.from + from) * x_stride;
    product.x_stride = x_stride;
    product.packed = wide.run().a;
    product.m = to - from;
    product.n = run.rank;
    product.padded_k = in;
    context->kernels.linear(product, 0, panels(run.rank));
    halve(wide.run(), wide.extension().depth, from, to);
  }
};

}  // namespace

int32_t read(const ol_context* context, const ol_adapters& adapters, int64_t rows, int64_t in, int64_t out,
             LoraPlan* plan) {
  plan->out = out;
  if (adapters.count < 0 || (adapters.count > 0 && adapters.segments == nullptr)) {
    return OL_BAD_ARGUMENT;
  }
  for (int64_t i = 0; i < adapters.count; i++) {
    const ol_segment& s = adapters.segments[i];
    if (!valid(s, rows, adapters.segments[0].vector_dtype)) {
      return OL_BAD_ARGUMENT;
    }
    plan->vectors_bf16 = s.vector_dtype == OL_BF16;
    if (!plan->runs.empty() && continues(plan->runs.back(), s)) {
      plan->runs.back().to = s.to;
    } else {
      plan->runs.push_back(
          {s.from, s.to, s.a, s.b, s.a == nullptr ? 0 : s.rank, s.scale, s.gain, s.shift, nullptr, {s.a_name, s.b_name}});
    }
  }
  if (context->deterministic || in % DEPTH != 0) {
    return OL_OK;
  }
  /* What a wide run adds comes before all others: not behind a gain or a shift of the same rows. */
  std::vector<LoraRun> left;
  for (const LoraRun& run : plan->runs) {
    bool behind = std::any_of(left.begin(), left.end(), [&](const LoraRun& before) {
      return changes_sums(before) && before.from < run.to && before.to > run.from;
    });
    if (run.rank == 0 || run.to - run.from < WIDE_ROWS || behind) {
      left.push_back(run);
      continue;
    }
    plan->wide.push_back({run});
    plan->extensions.push_back({run.from, run.to, padded(2 * run.rank, DEPTH), nullptr, nullptr});
    if (changes_sums(run)) {
      left.push_back(run);
      left.back().rank = 0;
    }
  }
  plan->runs = left;
  return OL_OK;
}

bool shrink(ol_context* context, const uint16_t* x, int64_t x_stride, int64_t in, LoraPlan* const* plans, int count) {
  Shrinking work{context, x, x_stride, in, plans, count, {}, {}, {}, {}, {}};
  if (work.floats() == 0) {
    return true;
  }
  if (!work.place()) {
    return false;
  }
  work.cut_up();
  work.prepare();
  work.multiply();
  return true;
}

void extend(const ol_context* context, const LoraPlan& plan, void* y, bool y_bf16, int64_t y_stride, int64_t panel,
            int64_t panel_to) {
  for (const Extension& e : plan.extensions) {
    Linear sum;
    sum.out = static_cast<char*>(y) + e.from * y_stride * (y_bf16 ? 2 : 4);
    sum.out_bf16 = y_bf16;
    sum.out_stride = y_stride;
    sum.x = e.x;
    sum.x_stride = e.depth;
    sum.packed = e.packed + panel * PANEL * e.depth;
    sum.m = e.to - e.from;
    sum.n = std::min(plan.out, panel_to * PANEL) - panel * PANEL;
    sum.padded_k = e.depth;
    sum.add = true;
    context->kernels.linear(sum, 0, panel_to - panel);
  }
}

namespace {

void expand(const ol_context* context, const LoraPlan& plan, Lora l, int64_t from, int64_t to) {
  int64_t vector_bytes = plan.vectors_bf16 ? 2 : 4;
  auto part_of = [&](const void* vector) {
    return vector == nullptr ? nullptr : static_cast<const char*>(vector) + from * vector_bytes;
  };
  auto b_of = [&](const LoraRun& run) { return run.b == nullptr ? nullptr : run.b + from * run.rank; };
  const size_t count = plan.runs.size();
  auto part_of_run = [&](size_t i, size_t next) {
    LoraRun part = plan.runs[i];
    part.b = b_of(plan.runs[i]);
    part.next_b = b_of(plan.runs[next < count ? next : 0]);
    part.gain = part_of(part.gain);
    part.shift = part_of(part.shift);
    return part;
  };
  for (size_t i = 0; i < count;) {
    LoraRun parts[STREAMS];
    size_t some = 0;
    while (some < STREAMS && i + some < count && short_run(plan.runs[i + some])) {
      some++;
    }
    const int64_t columns = some == 0 ? to - from : STREAMED_COLUMNS;
    some = std::max<size_t>(some, 1);
    for (size_t j = 0; j < some; j++) {
      parts[j] = part_of_run(i + j, i + j + some);
    }
    for (int64_t column = 0; column < to - from; column += columns) {
      for (size_t j = 0; j < some; j++) {
        context->kernels.lora->expand(l, parts[j], column, std::min(to - from, column + columns));
      }
    }
    i += some;
  }
}

}  // namespace

void expand(const ol_context* context, const LoraPlan& plan, void* y, bool y_bf16, int64_t y_stride, int64_t from,
            int64_t to) {
  Lora l{y, y_bf16, y_stride, nullptr, 0, plan.vectors_bf16, 0, to - from, context->deterministic};
  expand(context, plan, l, from, to);
}

bool adds_once(const LoraPlan& plan) {
  int64_t behind = 0;
  for (const LoraRun& run : plan.runs) {
    bool wide = std::any_of(plan.wide.begin(), plan.wide.end(), [&](const WideRun& each) {
      return each.run.from < run.to && each.run.to > run.from;
    });
    if (wide || run.from < behind || changes_sums(run)) {
      return false;
    }
    behind = run.to;
  }
  return true;
}

bool reads_pieces(const LoraPlan& plan) {
  return std::none_of(plan.runs.begin(), plan.runs.end(), short_run);
}

void sum_up(const ol_context* context, const LoraPlan& plan, bool extended, int64_t rows, float* y, int64_t y_stride,
            int64_t panel, int64_t panel_to) {
  const int64_t from = panel * PANEL, to = std::min(plan.out, panel_to * PANEL);
  auto clear = [&](int64_t row, int64_t row_to) {
    for (; row < row_to; row++) {
      std::memset(y + row * y_stride, 0, static_cast<size_t>(to - from) * sizeof(float));
    }
  };
  int64_t behind = 0;
  for (const LoraRun& run : plan.runs) {
    clear(behind, run.from);
    behind = run.to;
  }
  clear(behind, rows);
  if (extended) {
    extend(context, plan, y, false, y_stride, panel, panel_to);
  }
  Lora l{y, false, y_stride, nullptr, 0, plan.vectors_bf16, 0, to - from, context->deterministic, true};
  expand(context, plan, l, from, to);
}

}  // namespace openlora

using namespace openlora;

extern "C" {

int32_t ol_set_deterministic(ol_context* context, int32_t on) {
  if (context == nullptr) {
    return OL_BAD_ARGUMENT;
  }
  context->deterministic = on != 0;
  return OL_OK;
}

int32_t ol_lora(ol_context* context, const ol_rows* y, const uint16_t* x, int64_t x_stride, const ol_adapters* adapters,
                int64_t rows, int64_t in, int64_t out) {
  if (context == nullptr || !valid(y, out) || x == nullptr || x_stride < in || adapters == nullptr || rows < 0 ||
      in < 1 || out < 1) {
    return OL_BAD_ARGUMENT;
  }
  LoraPlan plan;
  int32_t status = read(context, *adapters, rows, in, out, &plan);
  if (status != OL_OK || plan.empty()) {
    return status;
  }
  LoraPlan* plans[] = {&plan};
  if (!shrink(context, x, x_stride, in, plans, 1)) {
    return OL_OUT_OF_MEMORY;
  }
  bool y_bf16 = y->dtype == OL_BF16;
  int64_t element_bytes = y_bf16 ? 2 : 4;
  auto work = [&](int thread, int threads) {
    int64_t panel = panels(out) * thread / threads;
    int64_t panel_to = panels(out) * (thread + 1) / threads;
    if (panel < panel_to) {
      char* columns = static_cast<char*>(y->data) + panel * PANEL * element_bytes;
      extend(context, plan, columns, y_bf16, y->stride, panel, panel_to);
      expand(context, plan, columns, y_bf16, y->stride, panel * PANEL, std::min(out, panel_to * PANEL));
    }
  };
  context->pool.run(work);
  return OL_OK;
}
}
