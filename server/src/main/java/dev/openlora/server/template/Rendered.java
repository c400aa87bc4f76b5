package dev.openlora.server.template;

import java.util.List;

/**
 * What a template printed, and where its {@code generation} blocks lie in it.
 *
 * @param spans in the order they were rendered, in code points of {@code text}
 */
public record Rendered(String text, List<Span> spans) {

  /** From {@code start} up to but without {@code end}. */
  public record Span(int start, int end) {}

  public Rendered {
    spans = List.copyOf(spans);
  }
}
