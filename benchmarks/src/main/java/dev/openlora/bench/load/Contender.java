package dev.openlora.bench.load;

import dev.openlora.bench.process.ProcessTree;
import org.jspecify.annotations.Nullable;

/**
 * A server that takes part in a comparison.
 *
 * @param process null when its id was not given
 */
record Contender(String name, Endpoint endpoint, @Nullable ProcessTree process) {}
