package dev.openlora.adapter;

import dev.openlora.adapter.AdapterException.Reason;

/** The sentences with which an adapter is turned away; each starts with what is at fault. */
final class Refusal {
  private static final int SHOWN = 400;

  private Refusal() {}

  static AdapterException invalid(String subject, String problem) {
    return new AdapterException(Reason.INVALID, subject + ": " + problem);
  }

  static AdapterException unsupported(String subject, String problem) {
    return new AdapterException(Reason.UNSUPPORTED, subject + ": " + problem);
  }

  /** Text from outside as it may stand in a message: no control characters, not too long. */
  static String shown(String text) {
    StringBuilder clean = new StringBuilder();
    text.codePoints()
        .limit(SHOWN)
        .forEach(c -> {
          if (Character.isISOControl(c) || Character.getType(c) == Character.FORMAT) {
            clean.append('?');
          } else {
            clean.appendCodePoint(c);
          }
        });
    return text.codePointCount(0, text.length()) > SHOWN ? clean + "…" : clean.toString();
  }
}
