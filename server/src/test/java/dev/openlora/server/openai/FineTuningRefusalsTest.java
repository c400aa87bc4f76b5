package dev.openlora.server.openai;

import static dev.openlora.server.openai.TuningServer.ROW;
import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.openai.TestServer.Answer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

/** Jobs that are not taken, and files that nothing is tuned on: which field, which line, why. */
class FineTuningRefusalsTest {
  @TempDir private static Path folder = Path.of("");
  private static TuningServer server;
  private static String file = "";

  @BeforeAll
  static void start() {
    server = new TuningServer(folder);
    file = server.file(ROW);
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "n_epochs":3                                 | n_epochs | n_epochs is not supported by this server
          "trainingfile":"x"                           | trainingfile | trainingfile is not supported by this server
          "integrations":[{"type":"wandb"}]            | integrations | integrations are not supported by this server.
          "suffix":"a b"                               | suffix | suffix must be 1 to 64 of A-Z a-z 0-9 . _ -, got "a b".
          "suffix":""                                  | suffix | suffix must be 1 to 64
          "suffix":"a:b"                               | suffix | suffix must be 1 to 64
          "suffix":5                                   | suffix | suffix must be a string, got 5.
          "seed":-1                                    | seed | seed must be in [0, 2147483647], got -1.
          "seed":1.5                                   | seed | seed must be an integer, got 1.5.
          "seed":4294967296                            | seed | seed must be in [0, 2147483647], got 4294967296.
          "validation_file":7                          | validation_file | validation_file must be a string, got 7.
          "validation_file":"file-none"                | validation_file | validation_file: 'file-none' (expected: the id of an uploaded file).
          "hyperparameters":3                          | hyperparameters | hyperparameters must be an object, got 3.
          "hyperparameters":{"n_epochs":0}             | hyperparameters.n_epochs | hyperparameters.n_epochs must be in [1, 10000], got 0.
          "hyperparameters":{"n_epochs":"Auto"}        | hyperparameters.n_epochs | hyperparameters.n_epochs must be an integer, got "Auto".
          "hyperparameters":{"batch_size":5000}        | hyperparameters.batch_size | hyperparameters.batch_size must be in [1, 4096], got 5000.
          "hyperparameters":{"batch_size":[1]}         | hyperparameters.batch_size | hyperparameters.batch_size must be an integer, got a list.
          "hyperparameters":{"learning_rate_multiplier":0} | hyperparameters.learning_rate_multiplier | hyperparameters.learning_rate_multiplier must be in (0, 1000], got 0.0.
          "hyperparameters":{"learning_rate":1}        | hyperparameters.learning_rate | hyperparameters.learning_rate is not supported by this server
          "method":{"type":"dpo"}                      | method.type | method.type must be supervised, got "dpo".
          "method":{"type":"reinforcement"}            | method.type | method.type must be supervised, got "reinforcement".
          "method":{}                                  | method.type | method.type must be supervised, got nothing.
          "method":{"type":"supervised","dpo":{}}      | method.dpo | method.dpo is not supported by this server
          "method":{"type":"supervised","supervised":{"beta":1}} | method.supervised.beta | method.supervised.beta is not supported by this server
          "method":{"type":"supervised","supervised":{"hyperparameters":{"n_epochs":-1}}} | method.supervised.hyperparameters.n_epochs | must be in [1, 10000], got -1.
          "hyperparameters":{},"method":{"type":"supervised","supervised":{"hyperparameters":{}}} | hyperparameters | hyperparameters must be given once
          "metadata":[]                                | metadata | metadata must be an object, got a list.
          "metadata":{"a":1}                           | metadata | metadata must be a string, got 1.
          "openlora":{"rank":8}                        | openlora.rank | openlora.rank is not supported by this server
          "openlora":{"adapter_config":{"r":0}}        | openlora.adapter_config.r | openlora.adapter_config.r must be in [1, 1024], got 0.
          "openlora":{"adapter_config":{"lora_alpha":-1}} | openlora.adapter_config.lora_alpha | must be in (0, 65536], got -1.0.
          "openlora":{"adapter_config":{"use_dora":"so"}} | openlora.adapter_config.use_dora | must be a boolean, got "so".
          "openlora":{"adapter_config":{"target_modules":["q proj"]}} | openlora.adapter_config.target_modules | must be names of modules
          "openlora":{"adapter_config":{"target_modules":["q_proj","q_proj"]}} | openlora.adapter_config.target_modules | must name each module once.
          "openlora":{"adapter_config":{"peft_type":"IA3"}} | openlora.adapter_config.peft_type | is not supported by this server
          """)
  void namesTheField(String fields, String param, String message) {
    int before = server.onDisk().size();
    Answer answer = server.create("\"training_file\":\"" + file + "\"," + fields);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.error()).contains(message);
    assertThat(answer.param()).isEqualTo(param);
    assertThat(server.onDisk()).hasSize(before);
  }

  @Test
  void namesAFieldThatIsMissing() {
    Answer training = server.create("\"seed\":1");
    assertThat(training.status()).isEqualTo(400);
    assertThat(training.param()).isEqualTo("training_file");
    assertThat(training.error())
        .isEqualTo("training_file must be the id of an uploaded file, got nothing.");
    Answer unknown = server.create("\"training_file\":\"file-\\u0007x\"");
    assertThat(unknown.param()).isEqualTo("training_file");
    assertThat(unknown.error())
        .isEqualTo("training_file: 'file-\uFFFDx' (expected: the id of an uploaded file).");
    Answer model = server.http.post("/v1/fine_tuning/jobs", "{\"training_file\":\"" + file + "\"}");
    assertThat(model.status()).isEqualTo(400);
    assertThat(model.param()).isEqualTo("model");
    assertThat(model.error()).isEqualTo("model must be 'fake/base', got nothing.");
    Answer other = server.http.post("/v1/fine_tuning/jobs", "{\"model\":\"gpt-4o-mini\"}");
    assertThat(other.status()).isEqualTo(404);
    assertThat(other.error()).isEqualTo("The model `gpt-4o-mini` does not exist.");
    assertThat(server.http.post("/v1/fine_tuning/jobs", "{").status()).isEqualTo(400);
    assertThat(server.http.post("/v1/fine_tuning/jobs", "[]").status()).isEqualTo(400);
  }

  @Test
  void keepsMetadataShort() {
    String entry = "\"training_file\":\"" + file + "\",\"metadata\":{";
    StringBuilder many = new StringBuilder("\"k\":\"v\"");
    for (int i = 0; i < 16; i++) {
      many.append(",\"k" + i + "\":\"v\"");
    }
    assertThat(server.create(entry + many + "}").error())
        .isEqualTo("metadata must have at most 16 entries, got 17.");
    for (String one :
        new String[] {"\"" + "k".repeat(65) + "\":\"v\"", "\"k\":\"" + "v".repeat(513) + "\""}) {
      Answer answer = server.create(entry + one + "}");
      assertThat(answer.param()).isEqualTo("metadata");
      assertThat(answer.error())
          .isEqualTo("metadata must have keys of at most 64 characters and values of at most 512.");
    }
  }

  @Test
  void knowsNoOtherJobs() {
    for (String path : new String[] {"", "/events", "/checkpoints"}) {
      Answer answer = server.http.get("/v1/fine_tuning/jobs/ftjob-x" + path);
      assertThat(answer.status()).isEqualTo(404);
      assertThat(answer.param()).isEqualTo("id");
      assertThat(answer.error()).isEqualTo("Could not find fine tune: 'ftjob-x'.");
    }
    for (String verb : new String[] {"cancel", "pause", "resume"}) {
      assertThat(server.change("ftjob-x", verb).status()).isEqualTo(404);
    }
    assertThat(server.http.get("/v1/fine_tuning/jobs/a/b").status()).isEqualTo(404);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {"messages":[{"role":"user"}]}                | messages[0].content: missing (expected: text)
          {"messages":[{"role":"bot","content":"x"}]}   | messages[0].role: 'bot' (expected: system, user or assistant)
          {"messages":[{"role":"user","content":"x"}]}  | messages[0].role: 'user' (expected: assistant, who has the last word)
          {"messages":[{"role":"user","content":7},{"role":"assistant","content":"x"}]} | messages[0].content: number (expected: text)
          {"messages":[{"role":"user","content":" "},{"role":"assistant","content":"x"}]} | messages[0].content: blank (expected: some text)
          {"messages":[]}                               | messages: none (expected: at least two)
          {"messages":{}}                               | messages: object (expected: a list)
          {"messages":[7]}                              | messages[0]: number (expected: an object)
          {"messages":[{"role":"assistant","content":"x"}]} | messages[0].role: 'assistant' (expected: user, who begins)
          {"messages":[{"role":"user","content":"x","weight":1},{"role":"assistant","content":"x"}]} | messages[0].weight: an unknown key
          {"messages":[{"role":"user","content":"x"},{"role":"system","content":"x"},{"role":"assistant","content":"x"}]} | messages[1].role: a system message
          {"tools":[]}                                  | tools: an unknown key
          {"prompt":"x"}                                | completion: missing (expected: text)
          {"prompt":"x","completion":null}              | completion: null (expected: text)
          {"text":"x","prompt":"x","completion":"y"}    | content in 2 forms
          {"text":"x","text":"y"}                       | no valid JSON at column
          {"text":"x"                                   | no valid JSON at column
          {"text":"x"} {"text":"y"}                     | no valid JSON at column
          {}                                            | no content (expected: one of text; messages; or prompt and completion)
          ["x"]                                         | a JSON array (expected: an object)
          7                                             | a JSON number (expected: an object)
          {"text":"\\ud800"}                            | half a surrogate pair
          {"text":"a\\u0000"}                           | a NUL
          """)
  void namesTheLine(String row, String reason) {
    JsonNode error = failure(ROW + "\n" + row + "\n");
    assertThat(error.get("message").stringValue())
        .startsWith("The job failed due to an invalid training file. Line 3: ")
        .contains(reason);
  }

  @Test
  void namesWhatIsWrongWithAWholeFile() {
    assertThat(failure("").get("message").stringValue()).contains("no rows");
    assertThat(failure("\n\n").get("message").stringValue()).contains("no rows");
    assertThat(failure("PK\u0003\u0004zip").get("message").stringValue())
        .contains("Line 1: a zip archive");
    assertThat(
            failure(ROW + "{\"text\":\"" + "x".repeat(300_000) + "\"}")
                .get("message")
                .stringValue())
        .contains("Line 2: a row of more than 262144 bytes");
    assertThat(failure("x".repeat((2 << 20) + 1)).get("message").stringValue())
        .contains("Line 1: a line of more than 2097152 bytes");
    assertThat(failure("[".repeat(100_000)).get("message").stringValue())
        .contains("Line 1: no valid JSON");
  }

  @Test
  void tellsWhichFileIsWrong() {
    String bad = server.file(ROW + "{}\n");
    Answer answer =
        server.create("\"training_file\":\"" + file + "\",\"validation_file\":\"" + bad + "\"");
    JsonNode job = server.await(answer.json().get("id").stringValue(), "failed");
    JsonNode error = job.get("error");
    assertThat(error.get("code").stringValue()).isEqualTo("invalid_validation_file");
    assertThat(error.get("param").stringValue()).isEqualTo("validation_file");
    assertThat(error.get("message").stringValue())
        .startsWith("The job failed due to an invalid validation file. Line 2: no content");
  }

  private static JsonNode failure(String content) {
    Answer answer = server.create("\"training_file\":\"" + server.file(content) + "\"");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().get("status").stringValue()).isEqualTo("validating_files");
    JsonNode job = server.await(answer.json().get("id").stringValue(), "failed");
    assertThat(job.get("error").get("code").stringValue()).isEqualTo("invalid_training_file");
    assertThat(job.get("error").get("param").stringValue()).isEqualTo("training_file");
    assertThat(job.get("fine_tuned_model").isNull()).isTrue();
    assertThat(job.get("finished_at").longValue()).isPositive();
    assertThat(server.worker.hasStarted()).isFalse();
    return job.get("error");
  }
}
