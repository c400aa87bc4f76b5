/** JMH, the load client and comparisons with peers; shipped to nobody. */
@NullMarked
package dev.openlora.bench;

import org.jspecify.annotations.NullMarked;
