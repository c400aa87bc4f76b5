#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

namespace openlora {

/* Memory of one thread for one purpose, 64-byte aligned, which grows and is kept for the next call. Null when there is
 * none. */
template <typename Purpose, typename T>
T* thread_memory(int64_t elements) {
  struct Free {
    void operator()(T* memory) const { std::free(memory); }
  };
  thread_local std::unique_ptr<T, Free> memory;
  thread_local int64_t size = 0;
  if (elements > size) {
    size_t bytes = (static_cast<size_t>(elements) * sizeof(T) + 63) / 64 * 64;
    memory.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
    size = memory == nullptr ? 0 : elements;
  }
  return memory.get();
}

}  // namespace openlora
