package dev.openlora.server.openai;

import dev.openlora.server.finetuning.FileStore;
import dev.openlora.server.finetuning.FineTuning;
import dev.openlora.server.finetuning.FineTuningException;
import dev.openlora.server.finetuning.StoredFile;
import dev.openlora.server.finetuning.StoredFile.Purpose;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.BodyEndedException;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.MultipartReader;
import dev.openlora.server.http.Reply;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JsonGenerator;

/** {@code /v1/files}: what is uploaded for fine-tuning, and what jobs wrote. */
final class FileHandler {
  private static final Logger LOG = LoggerFactory.getLogger(FileHandler.class);
  private static final Page.Size PAGE = new Page.Size(10_000, 10_000);
  private static final int PURPOSE_BYTES_MAX = 100;
  private static final int NAME_CHARACTERS_MAX = 255;
  private static final int FORM_BYTES = 64 << 10; // of an upload beside its file
  private static final int PIECE_BYTES = 64 << 10;

  private final @Nullable FineTuning fineTuning;

  FileHandler(@Nullable FineTuning fineTuning) {
    this.fineTuning = fineTuning;
  }

  /** Of a whole request. */
  long uploadBytesMax() {
    return FORM_BYTES + (fineTuning == null ? 0 : fineTuning.files().fileBytesMax());
  }

  void create(Exchange exchange) throws ApiException {
    FineTuning to = FineTuningErrors.required(fineTuning);
    try {
      MultipartReader form =
          new MultipartReader(exchange.upload(), exchange.request().contentType());
      StoredFile file = receive(to, form);
      LOG.info("file {} came: '{}', {} bytes", file.id(), file.name(), file.bytes());
      exchange.reply(Reply.json(json -> write(json, file)));
    } catch (BodyEndedException e) {
      LOG.info("an upload was cut off: {}", e.getMessage());
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    } catch (IOException e) {
      throw FineTuningErrors.answer(e);
    }
  }

  /** Fields may come in any order, so the file is taken before it is known what it is for. */
  private static StoredFile receive(FineTuning to, MultipartReader form)
      throws ApiException, FineTuningException, IOException {
    String purpose = null;
    String name = null;
    try (FileStore.Upload upload = to.upload()) {
      for (MultipartReader.Part part; (part = form.next()) != null; ) {
        switch (part.name()) {
          case "purpose" -> {
            once("purpose", purpose);
            purpose = form.text(part, PURPOSE_BYTES_MAX);
            checkPurpose(purpose);
          }
          case "file" -> {
            once("file", name);
            name = fileName(part);
            byte[] piece = new byte[PIECE_BYTES];
            for (int count; (count = form.read(piece, 0, piece.length)) >= 0; ) {
              upload.write(piece, 0, count);
            }
          }
          default ->
              throw ApiException.badRequest(
                  shortened(part.name()),
                  shortened(part.name()) + " is not supported by this server.");
        }
      }
      if (name == null) {
        throw ApiException.badRequest("file", "file must be a file, got nothing.");
      }
      if (purpose == null) {
        throw ApiException.badRequest("purpose", "purpose must be fine-tune, got nothing.");
      }
      return upload.keep(name, Purpose.FINE_TUNE);
    }
  }

  void list(Exchange exchange) throws ApiException {
    List<StoredFile> files = FineTuningErrors.required(fineTuning).files().list();
    String purpose = exchange.request().query("purpose");
    exchange.reply(
        Page.of(
                exchange.request(),
                files.stream()
                    .filter(file -> purpose == null || file.purpose().word().equals(purpose))
                    .toList(),
                StoredFile::id,
                PAGE)
            .reply(StoredFile::id, FileHandler::write));
  }

  void one(Exchange exchange) throws ApiException {
    StoredFile file = find(exchange);
    exchange.reply(Reply.json(json -> write(json, file)));
  }

  void delete(Exchange exchange) throws ApiException {
    String id = exchange.request().id();
    try {
      FineTuningErrors.required(fineTuning).deleteFile(id);
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    } catch (IOException e) {
      throw FineTuningErrors.answer(e);
    }
    LOG.info("file {} deleted", id);
    exchange.reply(
        Reply.json(json -> {
          json.writeStartObject();
          json.writeStringProperty("id", id);
          json.writeStringProperty("object", "file");
          json.writeBooleanProperty("deleted", true);
          json.writeEndObject();
        }));
  }

  void content(Exchange exchange) throws ApiException, InterruptedException {
    StoredFile file = find(exchange);
    String type =
        file.purpose() == Purpose.FINE_TUNE ? "application/jsonl" : "text/csv; charset=utf-8";
    try (InputStream in =
        Files.newInputStream(FineTuningErrors.required(fineTuning).files().content(file))) {
      exchange.reply(type, file.bytes(), in);
    } catch (NoSuchFileException e) {
      throw ApiException.notFound("id", "The file " + file.id() + " was deleted just now.");
    } catch (IOException e) {
      LOG.error("file {} could not be sent whole", file.id(), e);
    }
  }

  private StoredFile find(Exchange exchange) throws ApiException {
    try {
      return FineTuningErrors.required(fineTuning).files().get(exchange.request().id());
    } catch (FineTuningException e) {
      throw FineTuningErrors.answer(e);
    }
  }

  private static void once(String field, @Nullable String before) throws ApiException {
    if (before != null) {
      throw ApiException.badRequest(field, field + " must be given once, got a second one.");
    }
  }

  private static void checkPurpose(String purpose) throws ApiException {
    if (Purpose.of(purpose) != Purpose.FINE_TUNE) {
      throw ApiException.badRequest(
          "purpose", "purpose must be fine-tune, got '" + shortened(purpose) + "'.");
    }
  }

  private static String fileName(MultipartReader.Part part) throws ApiException {
    String name = Objects.requireNonNullElse(part.fileName(), "");
    if (name.isBlank()
        || name.codePointCount(0, name.length()) > NAME_CHARACTERS_MAX
        || name.chars().anyMatch(Character::isISOControl)) {
      throw ApiException.badRequest(
          "file",
          "file must have a name of 1 to "
              + NAME_CHARACTERS_MAX
              + " visible characters, got '"
              + shortened(name)
              + "'.");
    }
    return name;
  }

  private static String shortened(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .limit(100)
        .forEach(c -> out.appendCodePoint(Character.isISOControl(c) ? '\uFFFD' : c));
    return out.toString();
  }

  private static void write(JsonGenerator json, StoredFile file) {
    json.writeStartObject();
    json.writeStringProperty("id", file.id());
    json.writeStringProperty("object", "file");
    json.writeNumberProperty("bytes", file.bytes());
    json.writeNumberProperty("created_at", file.createdMillis() / 1000);
    json.writeNullProperty("expires_at");
    json.writeStringProperty("filename", file.name());
    json.writeStringProperty("purpose", file.purpose().word());
    json.writeStringProperty("status", "processed");
    json.writeNullProperty("status_details");
    json.writeEndObject();
  }
}
