/** Adapters, from a name to tensors on the device: formats, versions, leases. */
@NullMarked
package dev.openlora.adapter;

import org.jspecify.annotations.NullMarked;
