package dev.openlora.adapter;

import dev.openlora.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter does to the token embedding: e(t) = row(t) + s · B A[t].
 *
 * @param table [vocabulary, hidden], a full replacement, or null
 * @param tokenIds ids whose rows are replaced by {@code tokenRows} [ids, hidden]; empty for none
 * @param a [vocabulary, rank], transposed from PEFT's lora_embedding_A; b [hidden, rank]; or both
 *     null
 */
public record EmbeddingEdit(
    @Nullable Tensor table,
    int[] tokenIds,
    @Nullable Tensor tokenRows,
    @Nullable Tensor a,
    @Nullable Tensor b,
    float scale) {}
