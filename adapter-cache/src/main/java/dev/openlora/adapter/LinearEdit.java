package dev.openlora.adapter;

import dev.openlora.kernels.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What an adapter does to one linear layer: y = gain · (W x + s · B A x) + shift, with W the base
 * weight or {@code weight} in its place. All tensors have the model's dtype, except gain and shift
 * (F32 allowed by the operations, stored in the model's dtype).
 *
 * @param weight [out, in], a full replacement ({@code modules_to_save}), or null
 * @param a [rank, in] and b [out, rank], or both null
 * @param scale alpha / r or alpha / √r, before any scale of the request
 * @param gain [out], DoRA's magnitude over norm, or null
 * @param shift [out], what replaced or added biases amount to given the base's own bias is already
 *     in y, or null
 */
public record LinearEdit(
    @Nullable Tensor weight,
    @Nullable Tensor a,
    @Nullable Tensor b,
    float scale,
    @Nullable Tensor gain,
    @Nullable Tensor shift) {}
