#pragma once

#include <cstdint>
#include <cstdlib>

#include "attention.h"
#include "linear.h"
#include "linear_int8.h"
#include "lora.h"
#include "openlora_cpu.h"
#include "packs.h"
#include "pool.h"
#include "rows.h"

/* 64-byte aligned memory that grows and is kept between calls. */
class Buffer {
 public:
  ~Buffer() { std::free(memory_); }

  /* Null when there is no memory. */
  void* of(size_t bytes) {
    if (bytes > size_) {
      std::free(memory_);
      memory_ = std::aligned_alloc(64, (bytes + 63) / 64 * 64);
      size_ = memory_ == nullptr ? 0 : bytes;
    }
    return memory_;
  }

 private:
  void* memory_ = nullptr;
  size_t size_ = 0;
};

inline bool floating(int64_t dtype) { return dtype == OL_F32 || dtype == OL_BF16; }

inline bool valid(const ol_rows* rows, int64_t width) {
  return rows != nullptr && rows->data != nullptr && rows->stride >= width && floating(rows->dtype);
}

/* The kernels of one instruction set. */
struct Kernels {
  int32_t isa;
  openlora::LinearKernel linear;
  const openlora::Int8Kernel* int8;
  const openlora::RowKernels* rows;
  openlora::AttentionKernel attention;
  const openlora::LoraKernels* lora;

  /* By the kernel for the product's weight; false when there is no memory. */
  bool multiply(const openlora::Linear& l, int64_t panel_from, int64_t panel_to) const {
    return l.bytes == nullptr ? linear(l, panel_from, panel_to) : int8->linear(l, panel_from, panel_to);
  }
};

struct ol_context {
  ol_context(int threads, int64_t spin_ns, const Kernels& kernels_) : pool(threads, spin_ns), kernels(kernels_) {}

  openlora::Pool pool;
  Kernels kernels;
  Buffer activations;
  Buffer scratch;
  Buffer packed; /* adapters that are not kept in packs */
  openlora::Packs packs;
  Buffer shrunk;
  Buffer tiles;
  Buffer digits;
  bool deterministic = false;
};
