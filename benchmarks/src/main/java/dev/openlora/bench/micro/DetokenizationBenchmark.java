package dev.openlora.bench.micro;

import dev.openlora.engine.text.HuggingFaceTokenizer;
import dev.openlora.engine.text.IncrementalDecoder;
import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.NullUnmarked;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What does it cost to turn one more token into text? A new answer begins where the text ends. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@NullUnmarked // JMH fills the fields
public class DetokenizationBenchmark {
  private static final String TEXT =
      "The lighthouse keeper counted the waves, one to a hundred and back. When he lost count,"
          + " he began again; in 1987 he began 4,212 times. \u201cNobody checks\u201d, he wrote to"
          + " his niece in Z\u00fcrich, \u201cand still I should know.\u201d She sent him a tin of"
          + " cherries and two words: \u5bff\u53f8 soon. He read them at night \ud83c\udf0a while"
          + " the lamp went round.\n";

  @Param("demo/tiny") // and what DataFiles knows of
  String tokenizer;

  private HuggingFaceTokenizer loaded;
  private int[] ids;
  private IncrementalDecoder decoder;
  private int next;

  @Setup
  public void load() throws IOException {
    loaded = HuggingFaceTokenizer.load(DataFiles.path(tokenizer));
    ids = loaded.encode(TEXT, false);
    StringBuilder text = new StringBuilder();
    begin();
    for (int id : ids) {
      text.append(decoder.append(id));
    }
    text.append(decoder.flush());
    if (!text.toString().strip().equals(TEXT.strip())) {
      throw new IllegalStateException("text: '" + text + "' (expected: '" + TEXT + "')");
    }
    begin();
  }

  private void begin() {
    decoder = loaded.newDecoder(new int[0], true);
    next = 0;
  }

  @TearDown
  public void close() {
    loaded.close();
  }

  @Benchmark
  public String append() {
    if (next == ids.length) {
      begin();
    }
    return decoder.append(ids[next++]);
  }
}
