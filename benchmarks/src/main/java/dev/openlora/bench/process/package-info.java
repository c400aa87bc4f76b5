/** Servers as child processes: starting and ending them, what CPU and memory they take. */
@NullMarked
package dev.openlora.bench.process;

import org.jspecify.annotations.NullMarked;
