#pragma once

#include <immintrin.h>

#include <cstdint>

/* The shapes of AMX tiles. */
namespace openlora {

constexpr int TILE_ROWS = 16;

struct alignas(64) TileConfig {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};
};

static inline void load(const TileConfig& c) {
  /* g++ 12 takes the first 8 bytes for all that the instruction reads. */
  asm volatile("" : : "r"(&c) : "memory");
  _tile_loadconfig(&c);
}

/* Two of up to 16 rows against two of 16 columns. Tiles 0..3: sums; 4, 5: activations; 6, 7: weights. */
[[maybe_unused]] static inline void configure(int upper_rows, int lower_rows) {
  TileConfig c;
  for (int tile = 0; tile < 8; tile++) {
    c.row_bytes[tile] = 64;
  }
  c.rows[0] = c.rows[1] = c.rows[4] = static_cast<uint8_t>(upper_rows);
  c.rows[2] = c.rows[3] = c.rows[5] = static_cast<uint8_t>(lower_rows > 0 ? lower_rows : 1);
  c.rows[6] = c.rows[7] = TILE_ROWS;
  load(c);
}

}  // namespace openlora
