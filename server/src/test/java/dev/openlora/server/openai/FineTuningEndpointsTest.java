package dev.openlora.server.openai;

import static dev.openlora.server.openai.TuningServer.ROW;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.server.finetuning.FineTuningLimits;
import dev.openlora.server.finetuning.WorkerEvent;
import dev.openlora.server.openai.ScriptedWorker.ScriptedRun;
import dev.openlora.server.openai.TestServer.Answer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** A job's life: taken, looked through, waiting, running, and each way in which it ends. */
class FineTuningEndpointsTest {
  @TempDir private Path folder = Path.of("");

  @Test
  void tunesAndServesTheResult() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String file = server.file(ROW);
      JsonNode created =
          server
              .create(
                  "\"training_file\":\""
                      + file
                      + "\",\"suffix\":\"mine\",\"seed\":7,\"metadata\":{\"a\":\"b\"},"
                      + "\"method\":{\"type\":\"supervised\",\"supervised\":{\"hyperparameters\":"
                      + "{\"n_epochs\":2,\"batch_size\":\"auto\","
                      + "\"learning_rate_multiplier\":0.5}}},"
                      + "\"openlora\":{\"adapter_config\":{\"r\":8,\"use_dora\":true,"
                      + "\"target_modules\":[\"q_proj\"]}}")
              .json();
      assertThat(created.get("object").stringValue()).isEqualTo("fine_tuning.job");
      assertThat(created.get("status").stringValue()).isEqualTo("validating_files");
      assertThat(created.get("fine_tuned_model").isNull()).isTrue();
      assertThat(created.get("hyperparameters").toString())
          .isEqualTo("{\"n_epochs\":2,\"batch_size\":\"auto\",\"learning_rate_multiplier\":0.5}");
      assertThat(created.get("method").get("supervised").get("hyperparameters"))
          .isEqualTo(created.get("hyperparameters"));
      assertThat(created.get("metadata").toString()).isEqualTo("{\"a\":\"b\"}");
      String id = created.get("id").stringValue();

      ScriptedRun run = server.worker.next();
      assertThat(run.task.seed()).isEqualTo(7);
      assertThat(run.task.hyperparameters().epochs()).isEqualTo(2);
      assertThat(run.task.hyperparameters().batchSize()).isNull();
      assertThat(run.task.shape().rank()).isEqualTo(8);
      assertThat(run.task.shape().dora()).isTrue();
      assertThat(run.task.shape().targetModules()).containsExactly("q_proj");
      assertThat(run.task.training()).hasContent(ROW);
      assertThat(run.task.validation()).isNull();
      JsonNode running = server.await(id, "running");
      assertThat(running.get("fine_tuned_model").isNull()).isTrue();
      run.tell(ScriptedRun.step(1, 2, 3.5));
      server.http.until(
          () -> server.get(id).get("openlora").get("progress").get("step").asInt(0) == 1);
      assertThat(server.get(id).get("estimated_finish").longValue()).isPositive();
      run.succeed();

      JsonNode done = server.await(id, "succeeded");
      String model = done.get("fine_tuned_model").stringValue();
      assertThat(model).matches("ft:fake/base:openlora:mine:[A-Za-z0-9]{8}");
      assertThat(done.get("trained_tokens").longValue()).isEqualTo(200);
      assertThat(done.get("estimated_finish").isNull()).isTrue();
      assertThat(server.http.get("/v1/models").text()).contains("\"id\":\"" + model + "\"");
      assertThat(server.http.get("/v1/models/" + model).status()).isEqualTo(200);
      Answer answer =
          server.http.complete("{\"model\":\"" + model + "\",\"prompt\":\"On\",\"max_tokens\":2}");
      assertThat(answer.json().get("model").stringValue()).isEqualTo(model);

      assertThat(server.messages(id))
          .containsExactly(
              "Created fine-tuning job: " + id,
              "Validating training file: " + file,
              "Files validated, moving job to queued state",
              "Step 1/2: training loss=3.5000",
              "Fine-tuning job started: 3 examples, 1 held out, 2 steps",
              "Step 1/2: training loss=2.5000",
              "Step 1: validation loss=2.2500, perplexity=9.49",
              "Checkpoint created at step 1",
              "Step 2/2: training loss=1.5000",
              "New fine-tuned model created: " + model,
              "The job has successfully completed");
      JsonNode checkpoint =
          server.http.get("/v1/fine_tuning/jobs/" + id + "/checkpoints").json().get("data").get(0);
      assertThat(checkpoint.get("object").stringValue()).isEqualTo("fine_tuning.job.checkpoint");
      assertThat(checkpoint.get("step_number").intValue()).isEqualTo(1);
      assertThat(checkpoint.get("metrics").toString())
          .isEqualTo("{\"step\":1,\"train_loss\":2.5,\"valid_loss\":2.25}");
      String results = done.get("result_files").get(0).stringValue();
      assertThat(server.http.get("/v1/files/" + results + "/content").text())
          .isEqualTo("step,train_loss,valid_loss\n1,3.5,\n1,2.5,\n1,,2.25\n2,1.5,\n");
      assertThat(server.onDisk()).noneMatch(path -> path.contains("/work/"));
    }
  }

  @Test
  void makesTokensOfABatchSizeInRows() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String file = server.file(ROW.repeat(3)); // of 4 characters, counted as 20 tokens, each
      String id =
          server
              .create("\"training_file\":\"" + file + "\",\"hyperparameters\":{\"batch_size\":3}")
              .json()
              .get("id")
              .stringValue();
      ScriptedRun run = server.worker.next();
      assertThat(run.task.batchTokens()).isEqualTo(60);
      assertThat(server.messages(id))
          .contains(
              "A batch size of 3 rows is about 60 tokens here: batches are filled by tokens.");
      run.succeed();
      server.await(id, "succeeded");
    }
  }

  @Test
  void pagesEventsAndJobs() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String id = server.job();
      server.worker.next().succeed();
      server.await(id, "succeeded");
      List<String> all = server.messages(id);
      List<String> walked = new ArrayList<>();
      String query = "?limit=3";
      for (boolean more = true; more; ) {
        JsonNode page = server.http.get("/v1/fine_tuning/jobs/" + id + "/events" + query).json();
        page.get("data").forEach(event -> walked.add(event.get("message").stringValue()));
        more = page.get("has_more").booleanValue();
        query = "?limit=3&after=" + page.get("last_id").asString();
      }
      assertThat(walked).isEqualTo(all.reversed());
      JsonNode event =
          server
              .http
              .get("/v1/fine_tuning/jobs/" + id + "/events?limit=100")
              .json()
              .get("data")
              .valueStream()
              .filter(e -> e.get("type").stringValue().equals("metrics"))
              .findFirst()
              .orElseThrow();
      assertThat(event.get("object").stringValue()).isEqualTo("fine_tuning.job.event");
      assertThat(event.get("data").get("train_loss").doubleValue()).isEqualTo(1.5);

      String other =
          server
              .create(
                  "\"training_file\":\"" + server.file(ROW) + "\",\"metadata\":{\"who\":\"me\"}")
              .json()
              .get("id")
              .stringValue();
      JsonNode jobs = server.http.get("/v1/fine_tuning/jobs?limit=1").json();
      assertThat(jobs.get("data").get(0).get("id").stringValue()).isEqualTo(other);
      assertThat(jobs.get("has_more").booleanValue()).isTrue();
      assertThat(
              server
                  .http
                  .get("/v1/fine_tuning/jobs?after=" + other)
                  .json()
                  .get("data")
                  .get(0)
                  .get("id")
                  .stringValue())
          .isEqualTo(id);
      assertThat(server.http.get("/v1/fine_tuning/jobs?metadata%5Bwho%5D=me").json().get("data"))
          .hasSize(1);
      assertThat(server.http.get("/v1/fine_tuning/jobs?limit=101").param()).isEqualTo("limit");
      server.worker.next().succeed();
      server.await(other, "succeeded");
    }
  }

  @Test
  void cancelsAJobThatRunsAndOneThatWaits() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String runs = server.job();
      ScriptedRun run = server.worker.next();
      String waits = server.job();
      server.await(waits, "queued");

      assertThat(server.change(waits, "cancel").json().get("status").stringValue())
          .isEqualTo("cancelled");
      assertThat(server.change(runs, "cancel").json().get("status").stringValue())
          .isEqualTo("running");
      JsonNode cancelled = server.await(runs, "cancelled");
      assertThat(cancelled.get("finished_at").longValue()).isPositive();
      assertThat(cancelled.get("error").isNull()).isTrue();
      assertThat(server.messages(runs).getLast()).isEqualTo("The job has been cancelled.");
      assertThat(run.task.work()).doesNotExist();
      Answer again = server.change(runs, "cancel");
      assertThat(again.status()).isEqualTo(409);
      assertThat(again.error()).isEqualTo("Job " + runs + " is cancelled and cannot be cancelled.");
      assertThat(server.worker.hasStarted()).isFalse();
    }
  }

  @Test
  void pausesAndResumes() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String id = server.job();
      ScriptedRun run = server.worker.next();
      Files.writeString(run.task.work().resolve("checkpoint"), "step 1");
      assertThat(server.change(id, "resume").status()).isEqualTo(409);
      server.change(id, "pause");
      JsonNode paused = server.await(id, "paused");
      assertThat(paused.get("openlora").get("attempts").intValue()).isZero();
      assertThat(server.change(id, "pause").status()).isEqualTo(409);
      server.change(id, "resume");
      ScriptedRun next = server.worker.next();
      assertThat(next.task.work().resolve("checkpoint")).hasContent("step 1");
      next.succeed();
      server.await(id, "succeeded");
    }
  }

  @Test
  void beginsAgainWhenAWorkerDiesButNotForEver() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String lucky = server.job();
      ScriptedRun first = server.worker.next();
      Files.writeString(first.task.work().resolve("checkpoint"), "step 5");
      first.tell(new WorkerEvent.Checkpointed(5, "c")).end(137, "");
      ScriptedRun second = server.worker.next();
      assertThat(second.task.work().resolve("checkpoint")).hasContent("step 5");
      second.succeed();
      server.await(lucky, "succeeded");
      assertThat(server.messages(lucky))
          .contains("The worker ended with status 137. The job goes on from step 5.");

      String unlucky = server.job();
      for (int i = 0; i < 3; i++) {
        server.worker.next().end(134, "out of\nmemory");
      }
      JsonNode error = server.await(unlucky, "failed").get("error");
      assertThat(error.get("code").stringValue()).isEqualTo("worker_died");
      assertThat(error.get("param").isNull()).isTrue();
      assertThat(error.get("message").stringValue())
          .isEqualTo(
              "The worker ended with status 134. The job was begun 3 times, which is as often as"
                  + " it may be. It said last: out of\uFFFDmemory");
    }
  }

  @Test
  void failsAtOnceWhenTryingAgainWouldNotHelp() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String tooLong = server.job();
      ScriptedRun refusing = server.worker.next();
      refusing
          .tell(new WorkerEvent.Failed(refusing.task.training().toAbsolutePath() + ":1: 9 tokens"))
          .end(2, "");
      JsonNode error = server.await(tooLong, "failed").get("error");
      assertThat(error.get("message").stringValue()).isEqualTo("training_file:1: 9 tokens");
      assertThat(error.get("param").stringValue()).isEqualTo("training_file");

      String failed = server.job();
      server.worker.next().tell(new WorkerEvent.Failed("row 1 is too long")).end(1, "");
      assertThat(server.await(failed, "failed").get("error").get("message").stringValue())
          .isEqualTo("row 1 is too long");

      String wrong = server.job();
      server.worker.next().end(2, "unknown option");
      assertThat(server.await(wrong, "failed").get("error").get("message").stringValue())
          .isEqualTo("The worker refused its task. It said last: unknown option");

      String broken = server.job();
      ScriptedRun run = server.worker.next();
      FakeAdapters.folder(run.task.work(), "adapter", "broken");
      run.tell(new WorkerEvent.Done("adapter", "ab", 1, null, 1)).end(0, "");
      assertThat(server.await(broken, "failed").get("error").get("message").stringValue())
          .isEqualTo("The result cannot be served: adapter_model.safetensors: header too large");

      String foreign = server.job();
      server.worker.next().tell(new WorkerEvent.Done("/tmp", "ab", 1, null, 1)).end(0, "");
      assertThat(server.await(foreign, "failed").get("error").get("message").stringValue())
          .contains("the worker named no folder of its own: /tmp");

      server.worker.breakDown();
      String never = server.job();
      assertThat(server.await(never, "failed").get("error").get("message").stringValue())
          .isEqualTo("No worker can be started: no more processes.");
      assertThat(server.http.get("/v1/models").json().get("data")).hasSize(1);
      assertThat(server.onDisk()).noneMatch(path -> path.startsWith("adapters/"));
    }
  }

  @Test
  void takesNoMoreThanMayWait() throws Exception {
    try (TuningServer server =
        new TuningServer(folder, new FineTuningLimits(1, 2, 4, 3, 1000, 100, 10_000))) {
      String first = server.job();
      ScriptedRun run = server.worker.next();
      String second = server.job();
      String third = server.job();
      String file = server.file(ROW);
      Answer full = server.create("\"training_file\":\"" + file + "\"");
      assertThat(full.status()).isEqualTo(429);
      assertThat(full.header("retry-after")).isEqualTo("30");
      assertThat(full.error())
          .isEqualTo(
              "2 fine-tuning jobs wait already (expected: at most 2). Please try again when one"
                  + " has ended.");
      run.succeed();
      server.worker.next().succeed();
      server.worker.next().succeed();
      for (String id : List.of(first, second, third)) {
        server.await(id, "succeeded");
      }

      String fourth = server.job();
      server.change(fourth, "cancel");
      server.await(fourth, "cancelled");
      String fifth = server.job(); // in the place of the cancelled one
      assertThat(server.http.get("/v1/fine_tuning/jobs/" + fourth).status()).isEqualTo(404);
      server.await(fifth, "running");
      Answer none = server.create("\"training_file\":\"" + file + "\"");
      assertThat(none.status()).isEqualTo(507);
      assertThat(none.error()).contains("(expected: at most 4)");
    }
  }

  @Test
  void keepsAFileThatAJobNeeds() throws Exception {
    try (TuningServer server = new TuningServer(folder)) {
      String file = server.file(ROW);
      String id =
          server.create("\"training_file\":\"" + file + "\"").json().get("id").stringValue();
      ScriptedRun run = server.worker.next();
      Answer refused = server.http.send(server.http.request("/v1/files/" + file).DELETE().build());
      assertThat(refused.status()).isEqualTo(409);
      assertThat(refused.error())
          .isEqualTo("The file " + file + " is needed by the job " + id + ", which is running.");
      run.succeed();
      server.await(id, "succeeded");
      assertThat(
              server.http.send(server.http.request("/v1/files/" + file).DELETE().build()).status())
          .isEqualTo(200);
      assertThat(server.get(id).get("training_file").stringValue()).isEqualTo(file);
    }
  }

  @Test
  void goesOnWhereTheLastServerWas() throws Exception {
    String done;
    String running;
    String waiting;
    JsonNode before;
    try (TuningServer server = new TuningServer(folder)) {
      done = server.job();
      server.worker.next().succeed();
      before = server.await(done, "succeeded");
      running = server.job();
      ScriptedRun run = server.worker.next();
      Files.writeString(run.task.work().resolve("checkpoint"), "step 9");
      run.tell(new WorkerEvent.Checkpointed(9, "c"));
      server.http.until(() -> server.messages(running).contains("Checkpoint created at step 9"));
      waiting = server.job();
      server.await(waiting, "queued");
    }
    // What a server that was killed leaves behind.
    Path jobs = folder.resolve("jobs");
    Files.writeString(
        jobs.resolve(running).resolve("events.jsonl"), "{\"id\":\"torn", StandardOpenOption.APPEND);
    Files.writeString(jobs.resolve(waiting).resolve("job.json.unfinished"), "{");
    Files.createDirectory(jobs.resolve("ftjob-never"));
    Files.writeString(folder.resolve("files/incoming/half"), "half");
    Files.writeString(folder.resolve("files/content/orphan.jsonl"), "orphan");
    FakeAdapters.folder(folder.resolve("adapters"), running, "lora");

    try (TuningServer server = new TuningServer(folder)) {
      assertThat(server.get(done)).isEqualTo(before);
      String model = before.get("fine_tuned_model").stringValue();
      assertThat(server.http.get("/v1/models/" + model).status()).isEqualTo(200);
      assertThat(server.onDisk())
          .doesNotContain("files/incoming/half", "files/content/orphan.jsonl")
          .noneMatch(path -> path.startsWith("adapters/" + running));
      assertThat(jobs.resolve("ftjob-never")).doesNotExist();
      assertThat(server.worker.lookedFor()).containsExactly(jobs.resolve(running));

      ScriptedRun run = server.worker.next();
      assertThat(run.task.jobId()).isEqualTo(running);
      assertThat(run.task.work().resolve("checkpoint")).hasContent("step 9");
      run.succeed();
      server.await(running, "succeeded");
      assertThat(server.messages(running))
          .contains(
              "Checkpoint created at step 9", "The server was started again; the job goes on.")
          .last()
          .isEqualTo("The job has successfully completed");
      server.worker.next().succeed();
      server.await(waiting, "succeeded");
      assertThat(server.http.get("/v1/models").json().get("data")).hasSize(4);
    }
  }

  @Test
  void switchedOffItServesWhatIsThereAndBeginsNothing() throws Exception {
    String done;
    String waiting;
    try (TuningServer server = new TuningServer(folder)) {
      done = server.job();
      server.worker.next().succeed();
      server.await(done, "succeeded");
      waiting = server.job();
      server.await(waiting, "running");
    }
    try (TuningServer server =
        new TuningServer(folder, FineTuningLimits.defaults(), false, new TestServer.Setup())) {
      assertThat(server.http.get("/v1/models").json().get("data")).hasSize(2);
      assertThat(server.get(waiting).get("status").stringValue()).isEqualTo("queued");
      Answer upload = server.upload(ROW);
      assertThat(upload.status()).isEqualTo(403);
      assertThat(upload.error())
          .isEqualTo("Fine-tuning is switched off on this server (tuning.enabled).");
      assertThat(server.create("\"training_file\":\"x\"").status()).isEqualTo(403);
      assertThat(server.worker.hasStarted()).isFalse();
    }
  }

  @Test
  void twoServersCannotShareAFolder() {
    try (TuningServer server = new TuningServer(folder)) {
      assertThat(server.http.get("/v1/files").status()).isEqualTo(200);
      assertThatThrownBy(() -> new TuningServer(folder))
          .hasMessageContaining("is used by another server");
    }
  }

  @Test
  void twoClientsTuneAtOnce() throws Exception {
    try (TuningServer server =
        new TuningServer(folder, new FineTuningLimits(2, 16, 100, 3, 1 << 20, 100, 10 << 20))) {
      List<Thread> clients = new ArrayList<>();
      List<String> ids = java.util.Collections.synchronizedList(new ArrayList<>());
      for (int client = 0; client < 2; client++) {
        clients.add(
            Thread.ofVirtual()
                .start(() -> {
                  for (int i = 0; i < 4; i++) {
                    ids.add(server.job());
                  }
                }));
      }
      for (int i = 0; i < 8; i++) {
        server.worker.next().succeed();
      }
      for (Thread client : clients) {
        client.join();
      }
      assertThat(ids).hasSize(8);
      for (String id : ids) {
        server.await(id, "succeeded");
      }
      assertThat(server.http.get("/v1/models").json().get("data")).hasSize(9);
    }
  }
}
