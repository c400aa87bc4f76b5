package dev.openlora.bench.streams;

import java.nio.charset.StandardCharsets;

/**
 * Checks the events of one streamed completion against the answer that a {@link NullEngine} gives:
 * every token once and in order, the length as the reason of the end, then {@code [DONE]}. One
 * thread.
 */
final class ExpectedAnswer implements EventParser.Events {
  private static final byte[] TEXT = "\"text\":\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] REASON = "\"finish_reason\":".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] GOES_ON = "null".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] LENGTH = "\"length\"".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] DONE = "[DONE]".getBytes(StandardCharsets.US_ASCII);

  private final int promptId;
  private final int tokensExpected;
  private int tokens;
  private int events;
  private boolean finished;
  private boolean done;

  ExpectedAnswer(int promptId, int tokensExpected) {
    this.promptId = promptId;
    this.tokensExpected = tokensExpected;
  }

  /** Tokens that have come. */
  int tokens() {
    return tokens;
  }

  /** Events with tokens that have come; fewer than tokens when some came together. */
  int events() {
    return events;
  }

  /** Whether all of it has come. */
  boolean isDone() {
    return done;
  }

  @Override
  public void event(byte[] bytes, int from, int to) throws BadAnswerException {
    if (done) {
      throw bad("an event behind [DONE]", bytes, from, to);
    }
    if (finished) {
      if (to - from != DONE.length || !startsWith(bytes, from, to, DONE)) {
        throw bad("not [DONE]", bytes, from, to);
      }
      done = true;
      return;
    }
    int at = behind(TEXT, bytes, from, to);
    int before = tokens;
    for (; at < to && bytes[at] != '"'; at += NullTokenizer.WORD_BYTES) {
      byte[] word = NullTokenizer.word(NullTokenizer.answer(promptId, tokens));
      if (tokens == tokensExpected || !startsWith(bytes, at, to, word)) {
        throw bad("not token " + tokens + " of " + tokensExpected, bytes, from, to);
      }
      tokens++;
    }
    events += tokens > before ? 1 : 0;
    int reason = behind(REASON, bytes, at, to);
    if (startsWith(bytes, reason, to, LENGTH) && tokens == tokensExpected) {
      finished = true;
    } else if (!startsWith(bytes, reason, to, GOES_ON) || tokens == before) {
      throw bad("after " + tokens + " tokens", bytes, from, to);
    }
  }

  private static int behind(byte[] wanted, byte[] bytes, int from, int to)
      throws BadAnswerException {
    for (int i = from; i <= to - wanted.length; i++) {
      if (startsWith(bytes, i, to, wanted)) {
        return i + wanted.length;
      }
    }
    throw bad("without " + new String(wanted, StandardCharsets.US_ASCII), bytes, from, to);
  }

  private static boolean startsWith(byte[] bytes, int from, int to, byte[] wanted) {
    if (to - from < wanted.length) {
      return false;
    }
    for (int i = 0; i < wanted.length; i++) {
      if (bytes[from + i] != wanted[i]) {
        return false;
      }
    }
    return true;
  }

  private static BadAnswerException bad(String why, byte[] bytes, int from, int to) {
    return new BadAnswerException(
        why + ": " + new String(bytes, from, to - from, StandardCharsets.UTF_8));
  }
}
