package dev.openlora.attribution.datanet;

import dev.openlora.attribution.datanet.RowContent.Message;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.SplittableRandom;

/** Contributors and contents that tests share. */
final class Rows {
  static final Contributor ALICE = new Contributor("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
  static final Contributor BOB = new Contributor("0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359");

  private static final int[] ALPHABET =
      " \n\t\r\"\\/{}[],:#`~abcxyzÄßéあ漢\u2028\u200d\ufeff\ue000😀🧬".codePoints().toArray();

  private Rows() {}

  static Path jsonl(Path file, String... texts) throws IOException {
    List<String> lines = new ArrayList<>();
    for (String text : texts) {
      lines.add("{\"text\":\"" + text + "\"}");
    }
    return Files.write(file, lines);
  }

  static Addition addition(String name, Path... files) {
    return new Addition(name, List.of(files), ALICE, "CC-BY-4.0");
  }

  static Addition skipping(Addition addition) {
    return new Addition(
        addition.name(),
        addition.files(),
        addition.contributor(),
        addition.licence(),
        Addition.Duplicates.SKIP,
        addition.limits());
  }

  static String text(SplittableRandom random, int length) {
    StringBuilder text = new StringBuilder("t");
    for (int i = 0; i < length; i++) {
      text.appendCodePoint(ALPHABET[random.nextInt(ALPHABET.length)]);
    }
    return text.toString();
  }

  static RowContent content(SplittableRandom random) {
    if (random.nextBoolean()) {
      return new RowContent.Text(text(random, random.nextInt(200)));
    }
    List<Message> messages = new ArrayList<>();
    if (random.nextBoolean()) {
      messages.add(new Message("system", text(random, random.nextInt(30))));
    }
    for (int turns = random.nextInt(1, 5); turns > 0; turns--) {
      messages.add(new Message("user", text(random, random.nextInt(50))));
      messages.add(new Message("assistant", text(random, random.nextInt(50))));
    }
    return new RowContent.Chat(messages);
  }

  static Contributor contributor(SplittableRandom random) {
    byte[] address = new byte[20];
    random.nextBytes(address);
    return new Contributor("0x" + HexFormat.of().formatHex(address));
  }
}
