package dev.openlora.kernels;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.json.JsonFactory;

/**
 * The JSON at the head of a safetensors file, read once and believed in nothing: every entry has a
 * known type, a shape and a range that agree, and the ranges cover the data exactly once.
 */
record SafetensorsHeader(Map<String, SafetensorsFile.Entry> entries, Map<String, String> metadata) {
  private static final String METADATA = "__metadata__";
  private static final int RANK_MAX = 16;
  private static final int QUOTED_NAME_MAX = 200;
  private static final JsonFactory JSON =
      JsonFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  /** Reads the header of {@code file}, whose data has {@code dataBytes} bytes. */
  static SafetensorsHeader read(Path file, byte[] json, long dataBytes)
      throws SafetensorsException {
    Reading reading = new Reading(file, dataBytes);
    try (JsonParser parser = JSON.createParser(ObjectReadContext.empty(), json)) {
      reading.header(parser);
    } catch (JacksonException e) {
      throw new SafetensorsException(
          file,
          "header is not JSON in UTF-8 without duplicate names: " + e.getOriginalMessage(),
          e);
    }
    reading.checkCovered();
    return new SafetensorsHeader(reading.entries, reading.metadata);
  }

  private static final class Reading {
    private final Path file;
    private final long dataBytes;
    private final Map<String, SafetensorsFile.Entry> entries = new LinkedHashMap<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    Reading(Path file, long dataBytes) {
      this.file = file;
      this.dataBytes = dataBytes;
    }

    void header(JsonParser parser) throws SafetensorsException {
      if (parser.nextToken() != JsonToken.START_OBJECT) {
        throw refused("header is " + parser.currentToken() + " (expected: a JSON object)");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        parser.nextToken();
        if (name.equals(METADATA)) {
          metadata(parser);
        } else {
          entries.put(name, entry(name, parser));
        }
      }
      if (parser.nextToken() != null) {
        throw refused("header goes on after its JSON object (expected: spaces at most)");
      }
    }

    private void metadata(JsonParser parser) throws SafetensorsException {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw refused(
            METADATA + ": " + parser.currentToken() + " (expected: an object of strings)");
      }
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String name = parser.currentName();
        if (parser.nextToken() != JsonToken.VALUE_STRING) {
          throw refused(
              METADATA
                  + " '"
                  + shortened(name)
                  + "': "
                  + parser.currentToken()
                  + " (expected: a string)");
        }
        metadata.put(name, parser.getString());
      }
    }

    private SafetensorsFile.Entry entry(String name, JsonParser parser)
        throws SafetensorsException {
      if (parser.currentToken() != JsonToken.START_OBJECT) {
        throw refused(name, parser.currentToken() + " (expected: an object)");
      }
      SafetensorsType type = null;
      long[] shape = null;
      long[] range = null;
      while (parser.nextToken() != JsonToken.END_OBJECT) {
        String field = parser.currentName();
        parser.nextToken();
        switch (field) {
          case "dtype" -> type = type(name, parser);
          case "shape" -> shape = numbers(name, field, parser, RANK_MAX);
          case "data_offsets" -> range = numbers(name, field, parser, 2);
          default ->
              throw refused(
                  name, "field '" + shortened(field) + "' (expected: dtype, shape, data_offsets)");
        }
      }
      if (type == null || shape == null || range == null) {
        throw refused(
            name, "without " + missing(type, shape) + " (expected: dtype, shape, data_offsets)");
      }
      if (range.length != 2) {
        throw refused(name, "data_offsets: " + range.length + " numbers (expected: 2)");
      }
      return checked(new SafetensorsFile.Entry(name, type, shape, range[0], range[1]));
    }

    private static String missing(@Nullable SafetensorsType type, long @Nullable [] shape) {
      return type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
    }

    private SafetensorsType type(String name, JsonParser parser) throws SafetensorsException {
      if (parser.currentToken() != JsonToken.VALUE_STRING) {
        throw refused(name, "dtype: " + parser.currentToken() + " (expected: a string)");
      }
      String text = parser.getString();
      return SafetensorsType.named(text)
          .orElseThrow(() ->
              refused(name, "dtype: '" + shortened(text) + "' (expected: F32, F16, BF16, I32 …)"));
    }

    private long[] numbers(String name, String field, JsonParser parser, int most)
        throws SafetensorsException {
      if (parser.currentToken() != JsonToken.START_ARRAY) {
        throw refused(name, field + ": " + parser.currentToken() + " (expected: an array)");
      }
      List<Long> numbers = new ArrayList<>();
      while (parser.nextToken() != JsonToken.END_ARRAY) {
        if (parser.currentToken() != JsonToken.VALUE_NUMBER_INT) {
          throw refused(name, field + ": " + parser.currentToken() + " (expected: whole numbers)");
        }
        long number = number(name, field, parser);
        if (number < 0) {
          throw refused(name, field + ": " + number + " (expected: 0 or more)");
        }
        if (numbers.size() == most) {
          throw refused(name, field + ": more than " + most + " numbers");
        }
        numbers.add(number);
      }
      return numbers.stream().mapToLong(Long::longValue).toArray();
    }

    private long number(String name, String field, JsonParser parser) throws SafetensorsException {
      try {
        return parser.getLongValue();
      } catch (JacksonException e) {
        throw new SafetensorsException(
            file, "tensor '" + shortened(name) + "': " + field + ": a number beyond 64 bits", e);
      }
    }

    private SafetensorsFile.Entry checked(SafetensorsFile.Entry entry) throws SafetensorsException {
      if (entry.begin() > entry.end() || entry.end() > dataBytes) {
        throw refused(
            entry.name(),
            "data_offsets: ["
                + entry.begin()
                + ", "
                + entry.end()
                + "] (expected: rising, within "
                + dataBytes
                + " bytes of data)");
      }
      long bytes = entry.type().bytes();
      try {
        for (long size : entry.shape()) {
          bytes = Math.multiplyExact(bytes, size);
        }
      } catch (ArithmeticException e) {
        throw new SafetensorsException(
            file, "tensor '" + shortened(entry.name()) + "': shape: more than 2^63 bytes", e);
      }
      if (bytes != entry.bytes()) {
        throw refused(
            entry.name(),
            "data_offsets: "
                + entry.bytes()
                + " bytes (expected: "
                + bytes
                + ", from its dtype and shape)");
      }
      return entry;
    }

    void checkCovered() throws SafetensorsException {
      List<SafetensorsFile.Entry> sorted = new ArrayList<>(entries.values());
      sorted.sort(
          Comparator.comparingLong(SafetensorsFile.Entry::begin)
              .thenComparingLong(SafetensorsFile.Entry::end));
      long covered = 0;
      for (SafetensorsFile.Entry entry : sorted) {
        if (entry.begin() != covered) {
          String what = entry.begin() < covered ? "overlaps another tensor" : "leaves a gap before";
          throw refused(
              entry.name(),
              "data_offsets: begins at "
                  + entry.begin()
                  + " and "
                  + what
                  + " (expected: "
                  + covered
                  + ")");
        }
        covered = entry.end();
      }
      if (covered != dataBytes) {
        throw refused(
            "data has " + dataBytes + " bytes (expected: " + covered + ", the end of its tensors)");
      }
    }

    private SafetensorsException refused(String name, String problem) {
      return refused("tensor '" + shortened(name) + "': " + problem);
    }

    private SafetensorsException refused(String problem) {
      return new SafetensorsException(file, problem);
    }

    private static String shortened(String name) {
      return name.length() <= QUOTED_NAME_MAX ? name : name.substring(0, QUOTED_NAME_MAX) + "…";
    }
  }
}
