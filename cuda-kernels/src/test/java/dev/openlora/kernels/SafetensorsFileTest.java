package dev.openlora.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class SafetensorsFileTest {
  private static final String GOOD =
      "{\"__metadata__\":{\"format\":\"pt\"},"
          + "\"a\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
          + "\"b\":{\"dtype\":\"I64\",\"shape\":[2],\"data_offsets\":[24,40]}}";

  @TempDir Path folder;

  @AfterEach
  void nothingIsLeftOpen() {
    assertThat(TensorArena.openArenas()).isZero();
    assertThat(TensorArena.openBytes()).isZero();
  }

  private Path file(byte[] bytes) throws IOException {
    return Files.write(folder.resolve("model.safetensors"), bytes);
  }

  private static byte[] bytes(String header, int dataBytes) {
    return bytes(header.getBytes(StandardCharsets.UTF_8), dataBytes);
  }

  private static byte[] bytes(byte[] json, int dataBytes) {
    ByteBuffer buffer = ByteBuffer.allocate(8 + json.length + dataBytes);
    buffer.order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).put(json);
    return buffer.array();
  }

  private static byte[] raw(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  private static byte[] length(long length, int rest) {
    return ByteBuffer.allocate(8 + rest).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array();
  }

  /** One tensor x with 4 bytes of data unless the entry says otherwise. */
  private static byte[] entry(String fields) {
    return bytes("{\"x\":{" + fields + "}}", 4);
  }

  static Stream<Arguments> damage() {
    String f32 = "\"dtype\":\"F32\"";
    String one = "\"shape\":[1]";
    String range = "\"data_offsets\":[0,4]";
    String twice = "\"a\":{" + f32 + "," + one + "," + range + "}";
    return Stream.of(
        Arguments.of("empty", new byte[0], "0 bytes"),
        Arguments.of("five bytes", new byte[5], "5 bytes"),
        Arguments.of("header longer than the file", length(1000, 10), "header length: 1000"),
        Arguments.of("header longer than allowed", length(5000, 5000), "header length: 5000"),
        Arguments.of("negative header length", length(-1, 10), "18446744073709551615"),
        Arguments.of("header of no bytes", length(0, 10), "header length: 0"),
        Arguments.of("git-lfs pointer", raw("version https://git-lfs.github.com/spec"), "git-lfs"),
        Arguments.of("zip", raw("PK\u0003\u0004aaaaaaaaaaaa"), "zip archive"),
        Arguments.of("pickle", raw("\u0080\u0002}q\u0000aaaaaaaaaa"), "pickle"),
        Arguments.of("gguf", raw("GGUF\u0003\u0000\u0000\u0000aaaaaaa"), "GGUF"),
        Arguments.of("an array", bytes("[1,2]", 0), "does not begin with {"),
        Arguments.of("leading space", bytes(" {}", 0), "does not begin with {"),
        Arguments.of("cut off", bytes(GOOD.substring(0, 60), 40), "not JSON"),
        Arguments.of("text after", bytes("{} x", 0), "not JSON"),
        Arguments.of("second object", bytes("{} {}", 0), "goes on"),
        Arguments.of("not UTF-8", bytes(raw("{\"\u00ff\u00fe\":1}"), 0), "not JSON"),
        Arguments.of("comment", bytes("{/* */}", 0), "not JSON"),
        Arguments.of("name twice", bytes("{" + twice + "," + twice + "}", 4), "Duplicate"),
        Arguments.of("dtype twice", entry(f32 + "," + f32 + "," + one + "," + range), "Duplicate"),
        Arguments.of("metadata of numbers", bytes("{\"__metadata__\":{\"a\":1}}", 0), "'a'"),
        Arguments.of("metadata a string", bytes("{\"__metadata__\":\"a\"}", 0), "__metadata__"),
        Arguments.of("entry a number", bytes("{\"x\":3}", 0), "tensor 'x'"),
        Arguments.of("no dtype", entry(one + "," + range), "without dtype"),
        Arguments.of("no shape", entry(f32 + "," + range), "without shape"),
        Arguments.of("no offsets", entry(f32 + "," + one), "without data_offsets"),
        Arguments.of("unknown field", entry(f32 + ",\"stride\":[1]"), "field 'stride'"),
        Arguments.of("unknown dtype", entry("\"dtype\":\"F31\""), "dtype: 'F31'"),
        Arguments.of("dtype a number", entry("\"dtype\":3"), "dtype: VALUE_NUMBER_INT"),
        Arguments.of("negative size", entry("\"shape\":[-1]"), "shape: -1"),
        Arguments.of("fractional size", entry("\"shape\":[1.5]"), "shape: VALUE_NUMBER_FLOAT"),
        Arguments.of("huge size", entry("\"shape\":[99999999999999999999]"), "beyond 64 bits"),
        Arguments.of("shape a string", entry("\"shape\":\"1\""), "shape: VALUE_STRING"),
        Arguments.of("nested shape", entry("\"shape\":[[1]]"), "shape: START_ARRAY"),
        Arguments.of(
            "rank 17", entry("\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]"), "more than 16"),
        Arguments.of(
            "overflowing shape",
            entry(f32 + ",\"shape\":[4294967296,4294967296]," + range),
            "more than 2^63"),
        Arguments.of(
            "overflow to the right size",
            entry(f32 + ",\"shape\":[4611686018427387905]," + range),
            "more than 2^63"),
        Arguments.of("one offset", entry(f32 + "," + one + ",\"data_offsets\":[0]"), "1 numbers"),
        Arguments.of(
            "three offsets", entry(f32 + "," + one + ",\"data_offsets\":[0,1,4]"), "more than 2"),
        Arguments.of(
            "falling offsets", entry(f32 + "," + one + ",\"data_offsets\":[4,0]"), "rising"),
        Arguments.of(
            "beyond the data", entry(f32 + ",\"shape\":[2],\"data_offsets\":[0,8]"), "within 4"),
        Arguments.of(
            "too few bytes", entry(f32 + ",\"shape\":[2],\"data_offsets\":[0,4]"), "4 bytes"),
        Arguments.of(
            "overlap",
            bytes("{" + twice + ",\"b\":{" + f32 + "," + one + ",\"data_offsets\":[2,6]}}", 6),
            "overlaps"),
        Arguments.of(
            "same range twice",
            bytes("{" + twice + ",\"b\":{" + f32 + "," + one + "," + range + "}}", 4),
            "overlaps"),
        Arguments.of(
            "gap",
            bytes("{" + twice + ",\"b\":{" + f32 + "," + one + ",\"data_offsets\":[5,9]}}", 9),
            "leaves a gap"),
        Arguments.of("data after the last", bytes(GOOD, 41), "data has 41 bytes"),
        Arguments.of("data cut off", bytes(GOOD, 39), "within 39 bytes"));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("damage")
  void refusesADamagedFileAndSaysWhy(String what, byte[] bytes, String why) throws IOException {
    Path file = file(bytes);
    assertThatThrownBy(() -> SafetensorsFile.open(file, 4096))
        .as(what)
        .isInstanceOf(SafetensorsException.class)
        .hasMessageContaining("model.safetensors: ")
        .hasMessageContaining(why);
  }

  @Test
  void survivesRandomDamageOfTheHeader() throws IOException {
    long seed = Long.getLong("tests.seed", System.nanoTime());
    System.out.println("SafetensorsFileTest: -Dtests.seed=" + seed);
    Random random = new Random(seed);
    byte[] good = bytes(GOOD, 40);
    for (int i = 0; i < 500; i++) {
      byte[] bytes = good.clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bytes[random.nextInt(bytes.length - 40)] ^= (byte) (1 << random.nextInt(8));
      }
      Path file = file(bytes);
      try (SafetensorsFile opened = SafetensorsFile.open(file)) {
        for (String name : opened.names()) {
          assertThat(opened.entry(name).end()).isLessThanOrEqualTo(40);
        }
      } catch (SafetensorsException expected) {
        assertThat(expected).hasMessageContaining("model.safetensors");
      }
    }
  }

  @Test
  void aHeaderLengthThatBeginsLikeAPickleIsALength() throws IOException {
    Path file = Files.write(folder.resolve("m.safetensors"), bytes("{}" + " ".repeat(638), 0));
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.names()).isEmpty();
    }
  }

  @Test
  void readsWhatWasWrittenInEveryFloatType() throws IOException {
    float[] values = {0, -1.5f, 3.14159f, 65504, 1e-7f, Float.NEGATIVE_INFINITY};
    Path file = folder.resolve("written.safetensors");
    new SafetensorsWriter()
        .metadata("format", "pt")
        .add("wide", SafetensorsType.F32, new long[] {2, 3}, () -> values)
        .add("half", SafetensorsType.F16, new long[] {3, 2}, () -> values)
        .add("brain", SafetensorsType.BF16, new long[] {6}, () -> values)
        .add("scalar", SafetensorsType.F32, new long[0], () -> new float[] {7})
        .add("empty", SafetensorsType.F32, new long[] {0, 4}, () -> new float[0])
        .writeTo(file);
    try (SafetensorsFile opened = SafetensorsFile.open(file);
        TensorArena arena = new HostArena("test")) {
      assertThat(opened.names()).containsExactly("wide", "half", "brain", "scalar", "empty");
      assertThat(opened.metadata()).containsExactly(java.util.Map.entry("format", "pt"));
      assertThat(opened.floats("wide")).isEqualTo(values);
      assertThat(opened.floats("half"))
          .containsExactly(rounded(values, v -> Float.float16ToFloat(Float.floatToFloat16(v))));
      float[] brain = rounded(values, v -> Float.intBitsToFloat(Tensor.toBfloat16(v) << 16));
      assertThat(opened.floats("brain")).containsExactly(brain);
      assertThat(opened.floats("scalar")).containsExactly(7);
      assertThat(opened.floats("empty")).isEmpty();
      assertThat(opened.tensor("wide").toFloats()).isEqualTo(values);
      assertThat(opened.tensor("brain").toFloats()).isEqualTo(brain);
      assertThat(opened.tensor("wide").shape()).containsExactly(2, 3);
      assertThat(opened.load("half", DType.F32, arena).toFloats()).isEqualTo(opened.floats("half"));
      assertThat(opened.load("wide", DType.BF16, arena).toFloats()).containsExactly(brain);
      assertThat(opened.load("brain", DType.F32, arena).toFloats()).containsExactly(brain);
      assertThat(opened.load("empty", DType.BF16, arena).elements()).isZero();
      assertThatThrownBy(() -> opened.tensor("half")).hasMessageContaining("'half' F16[3, 2]");
      assertThatThrownBy(() -> opened.copyInto("wide", arena.allocate(DType.F32, 6)))
          .hasMessageContaining("tensor 'wide' F32[2, 3] (expected: the shape of F32[6]");
      assertThatThrownBy(() -> opened.tensor("wide").write(values)).hasMessageContaining("write");
      assertThatThrownBy(() -> opened.floats("gone")).hasMessageEndingWith("no tensor 'gone'");
    }
  }

  private interface Rounding {
    float of(float value);
  }

  private static float[] rounded(float[] values, Rounding rounding) {
    float[] result = values.clone();
    for (int i = 0; i < result.length; i++) {
      result[i] = rounding.of(values[i]);
    }
    return result;
  }

  @Test
  void convertsTensorsOfManyBlocks() throws IOException {
    float[] values = new float[200_001];
    for (int i = 0; i < values.length; i++) {
      values[i] = i % 2048;
    }
    Path file = folder.resolve("large.safetensors");
    new SafetensorsWriter()
        .add("x", SafetensorsType.F16, new long[] {values.length}, () -> values)
        .writeTo(file);
    try (SafetensorsFile opened = SafetensorsFile.open(file);
        TensorArena arena = new HostArena("test")) {
      assertThat(opened.load("x", DType.F32, arena).toFloats()).isEqualTo(values);
    }
  }

  @Test
  void readsIntegersAndTensorsAtOddAddresses() throws IOException {
    String header =
        "{\"byte\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            + "\"odd\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]},"
            + "\"ids\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[9,17]}}";
    byte[] all = bytes(header, 17);
    ByteBuffer data = ByteBuffer.wrap(all).order(ByteOrder.LITTLE_ENDIAN);
    data.putFloat(all.length - 16, 1.5f).putFloat(all.length - 12, -2).putLong(all.length - 8, 42);
    try (SafetensorsFile opened = SafetensorsFile.open(file(all));
        TensorArena arena = new HostArena("test")) {
      assertThat(opened.floats("odd")).containsExactly(1.5f, -2);
      assertThat(opened.tensor("odd").toFloats()).containsExactly(1.5f, -2);
      Tensor ids = opened.load("ids", DType.I64, arena);
      assertThat(new ReferenceOps.Elements(ids).get(0)).isEqualTo(42);
      assertThatThrownBy(() -> opened.tensor("byte")).hasMessageContaining("U8");
      assertThatThrownBy(() -> opened.floats("ids")).hasMessageContaining("I64");
    }
  }

  @Test
  void mapsFilesBeyondTwoGibibytes() throws IOException {
    long bytes = 3L << 30;
    String header =
        "{\"big\":{\"dtype\":\"U8\",\"shape\":["
            + bytes
            + "],\"data_offsets\":[0,"
            + bytes
            + "]},\"last\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":["
            + bytes
            + ","
            + (bytes + 4)
            + "]}}";
    Path file = file(bytes(header, 0));
    try (RandomAccessFile sparse = new RandomAccessFile(file.toFile(), "rw")) {
      long start = sparse.length();
      sparse.setLength(start + bytes + 4);
      sparse.seek(start + bytes);
      sparse.write(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(9).array());
    }
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.floats("last")).containsExactly(9);
    }
  }

  @Test
  void aTensorOfAClosedFileIsRefused() throws IOException {
    SafetensorsFile opened = SafetensorsFile.open(file(bytes(GOOD, 40)));
    Tensor tensor = opened.tensor("a");
    opened.close();
    opened.close();
    assertThatThrownBy(tensor::toFloats).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> opened.floats("a")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void theWriterRefusesWhatItCannotWrite() {
    SafetensorsWriter writer =
        new SafetensorsWriter()
            .add("x", SafetensorsType.F32, new long[] {2}, () -> new float[] {1});
    assertThatThrownBy(() -> writer.add("x", SafetensorsType.F32, new long[0], () -> new float[1]))
        .hasMessageContaining("'x'");
    assertThatThrownBy(() -> writer.add("y", SafetensorsType.I8, new long[0], () -> new float[1]))
        .hasMessageContaining("I8");
    Path file = folder.resolve("none.safetensors");
    assertThatThrownBy(() -> writer.writeTo(file)).hasMessageContaining("1 values (expected: 2)");
    assertThat(folder).isEmptyDirectory();
  }

  /** 640 is 80 02 as the first bytes of the file, with which a pickle begins as well. */
  @ParameterizedTest
  @ValueSource(ints = {640, 896, 1152, 1408})
  void takesAHeaderLengthThatLooksLikeAPickle(int length, @TempDir Path folder) throws IOException {
    String header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    Path file = folder.resolve("x.safetensors");
    Files.write(file, bytes(header + " ".repeat(length - header.length()), 4));
    try (SafetensorsFile opened = SafetensorsFile.open(file)) {
      assertThat(opened.names()).containsExactly("x");
    }
  }
}
