/**
 * Datanets: versioned, content-addressed sets of training rows, each with its contributor and
 * licence. {@link dev.openlora.attribution.datanet.RowReader} turns files into rows, {@link
 * dev.openlora.attribution.datanet.DatanetStore} keeps them, {@link
 * dev.openlora.attribution.datanet.Datanet} is one version.
 */
@NullMarked
package dev.openlora.attribution.datanet;

import org.jspecify.annotations.NullMarked;
