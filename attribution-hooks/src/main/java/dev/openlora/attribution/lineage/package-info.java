/** Where a trained adapter or model comes from, as a record that anybody can check. */
@NullMarked
package dev.openlora.attribution.lineage;

import org.jspecify.annotations.NullMarked;
