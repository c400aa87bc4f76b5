package dev.openlora.server.finetuning;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A fine-tuning job as it stands. Immutable: what happens to it makes another one.
 *
 * @param createdMillis since 1970; no two jobs have the same
 * @param base the model that is tuned
 * @param modelName under which the result is served, once it is
 * @param batchTokens what the asked batch size comes to with these rows; null for "auto", or until
 *     the rows are known
 * @param attempts how often a worker has begun it
 * @param error why it failed; null otherwise
 * @param trainedTokens null until it succeeded
 * @param adapterSha256 of the result; null until it succeeded
 */
public record Job(
    String id,
    long createdMillis,
    String base,
    String modelName,
    Spec spec,
    Status status,
    @Nullable Integer batchTokens,
    int attempts,
    @Nullable Long finishedMillis,
    @Nullable Failure error,
    @Nullable Long trainedTokens,
    @Nullable String adapterSha256,
    List<String> resultFiles,
    List<Checkpoint> checkpoints) {
  /** Where a job stands. */
  public enum Status {
    VALIDATING_FILES("validating_files"),
    QUEUED("queued"),
    RUNNING("running"),
    PAUSED("paused"),
    SUCCEEDED("succeeded"),
    FAILED("failed"),
    CANCELLED("cancelled");

    private final String word;

    Status(String word) {
      this.word = word;
    }

    /** As answers say it. */
    public String word() {
      return word;
    }

    /** Whether nothing more will happen. */
    public boolean isEnd() {
      return switch (this) {
        case SUCCEEDED, FAILED, CANCELLED -> true;
        case VALIDATING_FILES, QUEUED, RUNNING, PAUSED -> false;
      };
    }

    static Status of(String word) {
      for (Status status : values()) {
        if (status.word.equals(word)) {
          return status;
        }
      }
      throw new IllegalArgumentException("status: '" + word + "'");
    }
  }

  /** What was asked for, with nothing left open but what is "auto". */
  public record Spec(
      String trainingFile,
      @Nullable String validationFile,
      int seed,
      Hyperparameters hyperparameters,
      AdapterShape shape,
      Map<String, String> metadata) {
    public Spec {
      metadata = Map.copyOf(metadata);
    }

    boolean uses(String fileId) {
      return trainingFile.equals(fileId) || fileId.equals(validationFile);
    }
  }

  /** Why a job failed. */
  public record Failure(String code, @Nullable String param, String message) {}

  private static final int CHECKPOINTS_MAX = 100;

  public Job {
    resultFiles = List.copyOf(resultFiles);
    checkpoints =
        List.copyOf(
            checkpoints.subList(
                Math.max(0, checkpoints.size() - CHECKPOINTS_MAX), checkpoints.size()));
  }

  Job with(Status next) {
    return new Job(
        id,
        createdMillis,
        base,
        modelName,
        spec,
        next,
        batchTokens,
        attempts,
        finishedMillis,
        error,
        trainedTokens,
        adapterSha256,
        resultFiles,
        checkpoints);
  }

  /** Its files are in order. */
  Job queued(@Nullable Integer tokens) {
    return new Job(
        id,
        createdMillis,
        base,
        modelName,
        spec,
        Status.QUEUED,
        tokens,
        attempts,
        finishedMillis,
        error,
        trainedTokens,
        adapterSha256,
        resultFiles,
        checkpoints);
  }

  Job withAttempts(int count) {
    return new Job(
        id,
        createdMillis,
        base,
        modelName,
        spec,
        status,
        batchTokens,
        count,
        finishedMillis,
        error,
        trainedTokens,
        adapterSha256,
        resultFiles,
        checkpoints);
  }

  Job with(Checkpoint checkpoint) {
    List<Checkpoint> all = new java.util.ArrayList<>(checkpoints);
    all.add(checkpoint);
    return new Job(
        id,
        createdMillis,
        base,
        modelName,
        spec,
        status,
        batchTokens,
        attempts,
        finishedMillis,
        error,
        trainedTokens,
        adapterSha256,
        resultFiles,
        all);
  }

  Job ended(Status end, long millis, @Nullable Failure failure) {
    return new Job(
        id,
        createdMillis,
        base,
        modelName,
        spec,
        end,
        batchTokens,
        attempts,
        millis,
        failure,
        null,
        null,
        resultFiles,
        checkpoints);
  }

  Job succeeded(long millis, long tokens, String sha256, List<String> results) {
    return new Job(
        id,
        createdMillis,
        base,
        modelName,
        spec,
        Status.SUCCEEDED,
        batchTokens,
        attempts,
        millis,
        null,
        tokens,
        sha256,
        results,
        checkpoints);
  }
}
