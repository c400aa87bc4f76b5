package dev.openlora.engine;

import dev.openlora.adapter.BaseModel;
import dev.openlora.engine.text.Tokenizer;

/**
 * One base model being served: takes generations, runs them together, tells their listeners. Any
 * thread.
 */
public interface Engine extends AutoCloseable {
  BaseModel model();

  Tokenizer tokenizer();

  /** The longest prompt plus answer, in tokens. */
  int maxModelLength();

  /**
   * Takes a generation. On success the engine owns the leases of its adapters; on failure the
   * caller still does.
   *
   * @throws GenerationException OVERLOADED, TOO_LARGE or CLOSED
   */
  Generation submit(GenerationRequest request, GenerationListener listener)
      throws GenerationException;

  EngineStats stats();

  /** Ends what is running with CLOSED and frees everything. */
  @Override
  void close();
}
