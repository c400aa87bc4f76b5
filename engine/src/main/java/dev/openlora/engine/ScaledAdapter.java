package dev.openlora.engine;

import dev.openlora.adapter.AdapterLease;

/** An adapter of a request, and the factor on its own scale (1 leaves it as trained). */
public record ScaledAdapter(AdapterLease lease, float scale) {}
