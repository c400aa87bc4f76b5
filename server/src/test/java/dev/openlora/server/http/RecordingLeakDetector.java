package dev.openlora.server.http;

import io.netty.util.ResourceLeakDetector;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Tracks every buffer and remembers the ones that were collected without a release. Netty is told
 * of it by a system property of the test run, because it asks once, before its first buffer.
 */
public final class RecordingLeakDetector<T> extends ResourceLeakDetector<T> {
  static final List<String> LEAKS = new CopyOnWriteArrayList<>();

  public RecordingLeakDetector(Class<?> resource, int samplingInterval) {
    super(resource, 1);
  }

  /** The form that Netty looks for first. */
  public RecordingLeakDetector(Class<?> resource, int samplingInterval, long maxActive) {
    super(resource, 1);
  }

  @Override
  protected boolean needReport() {
    return true;
  }

  @Override
  protected void reportTracedLeak(String resourceType, String records) {
    LEAKS.add(resourceType + records);
  }

  @Override
  protected void reportUntracedLeak(String resourceType) {
    LEAKS.add(resourceType);
  }
}
