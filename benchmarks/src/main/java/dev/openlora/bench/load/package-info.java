/** The load client, and the comparison of servers under the same load. */
@NullMarked
package dev.openlora.bench.load;

import org.jspecify.annotations.NullMarked;
