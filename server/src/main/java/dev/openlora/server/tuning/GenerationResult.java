package dev.openlora.server.tuning;

import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationListener;
import dev.openlora.engine.GenerationRequest;
import dev.openlora.engine.LocalEngine;
import java.util.concurrent.CompletableFuture;

/** What one request to the engine comes to, known when it ends. For one request. */
abstract class GenerationResult<T> implements GenerationListener {
  private final CompletableFuture<T> done = new CompletableFuture<>();

  /** The result; called once. Engine thread. */
  abstract T value(Finish finish);

  /** Asks, and gives the leases of the request back if the engine does not take it. */
  final CompletableFuture<T> of(LocalEngine engine, GenerationRequest request) {
    try {
      engine.submit(request, this);
    } catch (GenerationException e) {
      request.adapters().forEach(adapter -> adapter.lease().close());
      done.completeExceptionally(e);
    }
    return done;
  }

  @Override
  public final void onFinish(Finish finish) {
    done.complete(value(finish));
  }

  @Override
  public final void onError(GenerationException error) {
    done.completeExceptionally(error);
  }
}
