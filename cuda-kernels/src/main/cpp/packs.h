#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <unordered_map>

namespace openlora {

/* Packed matrices of adapters that had many rows in a call, kept for the next one. What has not been used
 * for many calls makes room. One thread. */
class Packs {
 public:
  /* The names of a pair of matrices that do not change. */
  struct Key {
    int64_t a;
    int64_t b;
    bool operator==(const Key& other) const { return a == other.a && b == other.b; }
  };

  /* A new call; what it finds or adds stays until the next one. */
  void begin() { call_++; }

  /* Null when it is not kept. */
  uint16_t* find(const Key& key);

  /* Memory to pack into, or null when there is no room. */
  uint16_t* add(const Key& key, size_t bytes);

  void clear();

 private:
  static constexpr size_t MOST_BYTES = size_t{256} << 20;
  static constexpr int64_t IDLE_CALLS = 4096; /* a few dozen steps */
  static constexpr int64_t CALLS_BETWEEN_SWEEPS = 256;

  struct Free {
    void operator()(uint16_t* memory) const { std::free(memory); }
  };

  struct Pack {
    std::unique_ptr<uint16_t, Free> memory;
    size_t bytes;
    int64_t last_call;
  };

  struct Hash {
    size_t operator()(const Key& key) const { return static_cast<size_t>(key.a * 31 + key.b); }
  };

  void sweep();

  std::unordered_map<Key, Pack, Hash> packs_;
  size_t bytes_ = 0;
  int64_t call_ = 0;
  int64_t next_sweep_ = 0;
};

}  // namespace openlora
