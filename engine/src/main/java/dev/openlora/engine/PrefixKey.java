package dev.openlora.engine;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;

/**
 * Names the keys and values of a full page by everything they depend on: all tokens up to the
 * page's end and, by content hash, the adapters that acted on them, with scale and first active
 * position. SHA-256, so that no request can make another's page its own.
 */
record PrefixKey(long a, long b, long c, long d) {
  static final PrefixKey ROOT = new PrefixKey(0, 0, 0, 0);

  /** An adapter acting from a position on. */
  record Acting(String sha256, float scale, int from) {}

  PrefixKey next(int[] ids, int from, int to, List<Acting> acting) {
    MessageDigest digest = sha256();
    ByteBuffer head = ByteBuffer.allocate(32 + 4 * (to - from));
    head.putLong(a).putLong(b).putLong(c).putLong(d);
    for (int i = from; i < to; i++) {
      head.putInt(ids[i]);
    }
    digest.update(head.array());
    for (Acting adapter : acting) {
      if (adapter.from() < to) {
        digest.update(adapter.sha256().getBytes(StandardCharsets.US_ASCII));
        digest.update(
            ByteBuffer.allocate(8)
                .putFloat(adapter.scale())
                .putInt(Math.max(0, adapter.from() - from))
                .array());
      }
    }
    ByteBuffer hash = ByteBuffer.wrap(digest.digest());
    return new PrefixKey(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
