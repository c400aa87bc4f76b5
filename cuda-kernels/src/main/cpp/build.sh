#!/usr/bin/env bash
# Builds the CPU kernels into the folder $1 with CMake; called by Maven. A machine without a compiler
# builds the rest of the project without them: the server then says that it runs the portable operations.
set -euo pipefail

sources="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
out="$1"
build="$2"

if [[ "$(uname -sm)" != "Linux x86_64" ]]; then
  echo "native kernels: not built on $(uname -sm) (expected: Linux x86_64)"
  exit 0
fi
for tool in cmake g++; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "native kernels: not built, $tool is missing (apt install cmake g++)"
    exit 0
  fi
done
mkdir -p "$build" "$out"
cmake -S "$sources" -B "$build" -DCMAKE_BUILD_TYPE=Release >"$build/cmake.log" 2>&1 ||
  { cat "$build/cmake.log"; exit 1; }
cmake --build "$build" --parallel 2 >"$build/build.log" 2>&1 || { cat "$build/build.log"; exit 1; }
cmp -s "$build/libopenlora_cpu.so" "$out/libopenlora_cpu.so" || cp "$build/libopenlora_cpu.so" "$out/"
