/** Many streamed answers at once from a server on a model without numbers. */
@NullMarked
package dev.openlora.bench.streams;

import org.jspecify.annotations.NullMarked;
