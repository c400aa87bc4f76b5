/** Pictures of figures, written as SVG. */
@NullMarked
package dev.openlora.bench.plot;

import org.jspecify.annotations.NullMarked;
