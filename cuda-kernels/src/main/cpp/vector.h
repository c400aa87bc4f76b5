#pragma once

/* Sixteen floats at a time, in GCC's own vector type: the same source is compiled for AVX2 (as two
 * registers) and for AVX-512. Included by files that define OL_VARIANT, the namespace of one variant. */

#include <immintrin.h>

#include <cstdint>
#include <cstring>

#include "bf16.h"
#include "openlora_cpu.h"

namespace openlora {
namespace OL_VARIANT {

constexpr int64_t LANES = 16;

typedef float Floats __attribute__((vector_size(64), aligned(4)));
typedef int32_t Ints __attribute__((vector_size(64), aligned(4)));
typedef uint16_t Halves __attribute__((vector_size(32), aligned(2)));

/* As they lie in memory, of any type. g++ 12 copies a vector of two registers by parts where it is told to by memcpy,
 * and the next load of the whole waits for them. */
typedef Floats FloatsAt __attribute__((may_alias, aligned(4)));
typedef Ints IntsAt __attribute__((may_alias, aligned(2)));
typedef Halves HalvesAt __attribute__((may_alias, aligned(2)));

inline Floats all(float value) { return value - Floats{}; }

inline Floats as_floats(Ints bits) { return reinterpret_cast<Floats>(bits); }
inline Ints as_ints(Floats values) { return reinterpret_cast<Ints>(values); }

inline Floats load(const float* from) { return *reinterpret_cast<const FloatsAt*>(from); }

inline Floats load(const uint16_t* from) {
  Halves h = *reinterpret_cast<const HalvesAt*>(from);
#ifdef __AVX512F__
  /* g++ 12 would widen the halves of h apart and join them. */
  return as_floats(reinterpret_cast<Ints>(_mm512_cvtepu16_epi32(reinterpret_cast<__m256i>(h))) << 16);
#else
  return as_floats(__builtin_convertvector(h, Ints) << 16);
#endif
}

inline void store(float* to, Floats v) { *reinterpret_cast<FloatsAt*>(to) = v; }

/* To nearest, ties to even. NaN keeps a mantissa bit. What is too small for a normal number may become zero. */
inline void store(uint16_t* to, Floats v) {
#ifdef __AVX512BF16__
  Halves h = reinterpret_cast<Halves>(_mm512_cvtneps_pbh(v));
#else
  Ints bits = as_ints(v);
  Ints rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  Ints quiet = (bits >> 16) | 0x40;
  Ints magnitude = bits & 0x7FFFFFFF;
  Ints nan = magnitude > 0x7F800000;
  Halves h = __builtin_convertvector((rounded & ~nan) | (quiet & nan), Halves);
#endif
  *reinterpret_cast<HalvesAt*>(to) = h;
}

inline float load_one(const float* from) { return *from; }
inline float load_one(const uint16_t* from) { return widen(*from); }
inline void store_one(float* to, float value) { *to = value; }
inline void store_one(uint16_t* to, float value) { *to = narrow(value); }

inline float sum(Floats v) {
  float total = 0;
  for (int64_t i = 0; i < 8; i++) {
    v[i] += v[i + 8];
  }
  for (int64_t i = 0; i < 4; i++) {
    v[i] += v[i + 4];
  }
  total = (v[0] + v[2]) + (v[1] + v[3]);
  return total;
}

/* e^x of an x from -88 to 89: 2^n times a polynomial of the rest, about one unit in the last place. NaN stays. */
inline Floats exponential_within(Floats x) {
  Floats scaled = x * 1.44269504f;
#ifdef __AVX512F__
  Floats n = _mm512_roundscale_ps(scaled, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
#else
  /* The bias rounds to a whole number in the low bits of the mantissa. */
  Floats n = scaled + 12582912.0f - 12582912.0f;
#endif
  Floats r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Floats p = all(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
#ifdef __AVX512F__
  return _mm512_scalef_ps(p, n);
#else
  /* In two halves, as 2^128 is no float. */
  Ints whole = __builtin_convertvector(n, Ints);
  Ints half = whole >> 1;
  Floats result = p * as_floats((half + 127) << 23) * as_floats((whole - half + 127) << 23);
  return x == x ? result : x;
#endif
}

/* x, or what is nearest to it from low to high. NaN stays. */
inline Floats clamp(Floats x, float low, float high) {
#ifdef __AVX512F__
  return _mm512_min_ps(all(high), _mm512_max_ps(all(low), x));
#else
  Floats above = x < low ? Floats{} + low : x;
  return above > high ? Floats{} + high : above;
#endif
}

/* e^x; 0 below -87, infinite above 88.7. NaN stays. */
inline Floats exponential(Floats x) {
  const float LOW = -87.33654f, HIGH = 89.0f;
  Floats result = exponential_within(clamp(x, LOW, HIGH));
  return x < LOW ? Floats{} : result;
}

/* a / b, to two units in the last place, of a b from 2^-126 to 2^126. */
inline Floats quotient(Floats a, Floats b) {
#ifdef __AVX512F__
  Floats inverse = _mm512_rcp14_ps(b);
  return a * (inverse * (2.0f - b * inverse));
#else
  return a / b;
#endif
}

/* silu(gate) up */
inline Floats gated(Floats gate, Floats up) {
  return quotient(gate, exponential_within(clamp(-gate, -87.0f, 87.0f)) + 1.0f) * up;
}

}  // namespace OL_VARIANT
}  // namespace openlora
