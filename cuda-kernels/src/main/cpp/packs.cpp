#include "packs.h"

namespace openlora {

uint16_t* Packs::find(const Key& key) {
  auto found = packs_.find(key);
  if (found == packs_.end()) {
    return nullptr;
  }
  found->second.last_call = call_;
  return found->second.memory.get();
}

uint16_t* Packs::add(const Key& key, size_t bytes) {
  if (bytes_ + bytes > MOST_BYTES && call_ >= next_sweep_) {
    sweep();
  }
  if (bytes_ + bytes > MOST_BYTES) {
    return nullptr;
  }
  uint16_t* memory = static_cast<uint16_t*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64));
  if (memory != nullptr) {
    packs_[key] = {std::unique_ptr<uint16_t, Free>(memory), bytes, call_};
    bytes_ += bytes;
  }
  return memory;
}

void Packs::clear() {
  packs_.clear();
  bytes_ = 0;
}

void Packs::sweep() {
  next_sweep_ = call_ + CALLS_BETWEEN_SWEEPS;
  for (auto it = packs_.begin(); it != packs_.end();) {
    if (it->second.last_call + IDLE_CALLS < call_) {
      bytes_ -= it->second.bytes;
      it = packs_.erase(it);
    } else {
      ++it;
    }
  }
}

}  // namespace openlora
