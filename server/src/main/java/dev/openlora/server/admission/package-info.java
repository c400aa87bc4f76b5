/** Who may ask, and how much at once. */
@NullMarked
package dev.openlora.server.admission;

import org.jspecify.annotations.NullMarked;
