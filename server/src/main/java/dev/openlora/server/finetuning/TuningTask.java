package dev.openlora.server.finetuning;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What a worker is to do.
 *
 * @param folder the job's; the worker notes there which process it is
 * @param work where it keeps checkpoints and makes the adapter; when checkpoints lie there already,
 *     it goes on from the last
 * @param output the adapter's folder, inside {@code work}; not there yet
 * @param training JSON Lines
 * @param validation JSON Lines, or null
 * @param batchTokens in the place of a batch size in rows; null when that is "auto"
 */
public record TuningTask(
    String jobId,
    Path folder,
    Path work,
    Path output,
    Path training,
    @Nullable Path validation,
    int seed,
    @Nullable Integer batchTokens,
    Hyperparameters hyperparameters,
    AdapterShape shape) {}
