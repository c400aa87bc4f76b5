/** JMH benchmarks of the Java parts of a step and of an answer. */
@NullMarked
package dev.openlora.bench.micro;

import org.jspecify.annotations.NullMarked;
