package dev.openlora.adapter;

import dev.openlora.kernels.Tensor;

/** Replaced rows of the output head: logits[:, tokenIds] = h · rowsᵀ. rows: [ids, hidden] */
public record HeadRows(int[] tokenIds, Tensor rows) {}
