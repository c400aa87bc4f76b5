#include "context.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <new>
#include <system_error>

namespace {

/* The kernel hands out the tile state per process, and only on request. */
bool amx_permitted() {
  constexpr int ARCH_REQ_XCOMP_PERM = 0x1023;
  constexpr int XFEATURE_XTILEDATA = 18;
  return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

bool has_amx() {
  unsigned a = 7, b, c = 0, d;
  asm volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  constexpr unsigned BF16 = 1u << 22, TILE = 1u << 24, INT8 = 1u << 25;
  return (~d & (BF16 | TILE | INT8)) == 0;
}

}  // namespace

extern "C" {

int32_t ol_abi_version(void) { return OL_ABI_VERSION; }

int32_t ol_machine(void) {
  __builtin_cpu_init();
  int32_t isa = 0;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    isa |= OL_AVX2;
  }
  if (__builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512vnni") &&
      __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512vl")) {
    isa |= OL_AVX512_BF16;
    if (has_amx() && amx_permitted()) {
      isa |= OL_AMX_BF16;
    }
  }
  return isa;
}

int32_t ol_open(ol_context** out, int32_t threads, int32_t isa_mask, int64_t spin_ns) {
  if (out == nullptr || threads < 1 || threads > 1024 || spin_ns < 0) {
    return OL_BAD_ARGUMENT;
  }
  int32_t usable = ol_machine() & isa_mask;
  Kernels kernels;
  if (usable & OL_AMX_BF16) {
    kernels = {OL_AMX_BF16, openlora::linear_amx, &openlora::int8_amx, &openlora::rows_avx512,
               openlora::attention_amx, &openlora::lora_amx};
  } else if (usable & OL_AVX512_BF16) {
    kernels = {OL_AVX512_BF16, openlora::linear_avx512, &openlora::int8_avx512, &openlora::rows_avx512,
               openlora::attention_avx512, &openlora::lora_avx512};
  } else if (usable & OL_AVX2) {
    kernels = {OL_AVX2, openlora::linear_avx2, &openlora::int8_avx2, &openlora::rows_avx2,
               openlora::attention_avx2, &openlora::lora_avx2};
  } else {
    return OL_UNSUPPORTED;
  }
  try {
    *out = new ol_context(threads, spin_ns, kernels);
    return OL_OK;
  } catch (const std::bad_alloc&) {
    return OL_OUT_OF_MEMORY;
  } catch (const std::system_error&) {
    return OL_OUT_OF_MEMORY;
  }
}

void ol_close(ol_context* context) { delete context; }

int32_t ol_isa_of(const ol_context* context) { return context->kernels.isa; }
}
