/** Where the time of one engine step goes, and how far it is from what the machine can do. */
@NullMarked
package dev.openlora.bench.step;

import org.jspecify.annotations.NullMarked;
