package dev.openlora.server.openai;

import dev.openlora.engine.GenerationException;
import dev.openlora.engine.GenerationListener.Finish;
import dev.openlora.engine.GenerationListener.Token;
import dev.openlora.engine.sampling.TokenLogprob;
import dev.openlora.server.http.ApiException;
import dev.openlora.server.http.EventStream;
import dev.openlora.server.http.Exchange;
import dev.openlora.server.http.Json;
import dev.openlora.server.http.Reply;
import java.util.ArrayDeque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes the choices of a request as events while they grow. What the engine's thread says is
 * carried to the event loop of the connection, where everything here lives; a choice with news
 * waits there until the client can take a chunk, and grows meanwhile. The answer begins with the
 * first news, so that a failure before it is still an answer with a proper status.
 */
final class StreamedAnswer implements GenerationRun.Sink {
  /** A choice and how far it has been written. */
  private static final class Line {
    final Choice choice;
    byte @Nullable [] opening; // made elsewhere because it is long
    boolean waits; // for that
    boolean opened;
    boolean queued;

    Line(Choice choice, boolean waits) {
      this.choice = choice;
      this.waits = waits;
    }
  }

  private final Exchange exchange;
  private final GenerationCall call;
  private final AnswerFormat format;
  private final GenerationRun run;
  private final Runnable whenOver;

  private final List<Line> lines;
  private final ArrayDeque<Line> news = new ArrayDeque<>();
  private @Nullable EventStream stream;
  private @Nullable ApiException failure;
  private int running;
  private int unfinished;
  private boolean ready;
  private boolean scheduled;
  private boolean answered;
  private boolean over;

  /**
   * @param whenOver called once, on the event loop, when all choices have ended and the answer is
   *     written or nobody is there to read it
   */
  StreamedAnswer(
      Exchange exchange,
      GenerationCall call,
      AnswerFormat format,
      GenerationRun run,
      Runnable whenOver) {
    this.exchange = exchange;
    this.call = call;
    this.format = format;
    this.run = run;
    this.whenOver = whenOver;
    this.lines =
        run.choices().stream().map(choice -> new Line(choice, call.echoLogprobs())).toList();
    this.running = lines.size();
    this.unfinished = lines.size();
  }

  /** All choices are submitted: writing may begin. */
  void start() {
    exchange.onLoop(() -> {
      ready = true;
      exchange.whenWritable(this::write);
      write();
    });
    exchange.whenGone(() -> exchange.onLoop(this::write));
  }

  @Override
  public void onPrompt(Choice choice, List<List<TokenLogprob>> logprobs) {
    Thread.startVirtualThread(() -> {
      Choice echo = new Choice(choice.index(), choice.prompt());
      echo.onPrompt(logprobs);
      byte[] opening = Json.bytes(json -> format.writeOpening(json, call, echo));
      exchange.onLoop(() -> {
        Line line = lines.get(choice.index());
        choice.textOffset(echo.textOffset());
        line.opening = opening;
        line.waits = false;
        enqueue(line);
      });
    });
  }

  @Override
  public void onToken(Choice choice, Token token) {
    exchange.onLoop(() -> {
      choice.onToken(token);
      if (!token.text().isEmpty()
          || call.sampling().logprobs() >= 0
          || call.options().returnTokenIds()
          || call.options().usageEverywhere()) {
        enqueue(lines.get(choice.index()));
      }
    });
  }

  @Override
  public void onFinish(Choice choice, Finish finish) {
    exchange.onLoop(() -> {
      choice.onFinish(finish);
      running--;
      enqueue(lines.get(choice.index()));
    });
  }

  @Override
  public void onError(Choice choice, GenerationException error) {
    exchange.onLoop(() -> {
      running--;
      if (failure == null) {
        failure = EngineErrors.answer(error);
        run.cancel();
      }
      schedule();
    });
  }

  private void enqueue(Line line) {
    if (!line.queued) {
      line.queued = true;
      news.add(line);
    }
    schedule();
  }

  /** Once for all news that one step of the engine brings. */
  private void schedule() {
    if (!scheduled) {
      scheduled = true;
      exchange.onLoop(() -> {
        scheduled = false;
        write();
      });
    }
  }

  private void write() {
    if (ready && !answered && !exchange.isGone()) {
      if (failure != null) {
        writeFailure(failure);
      } else {
        writeNews();
      }
    }
    if (ready && !over && running == 0 && (answered || exchange.isGone())) {
      over = true;
      if (!answered) {
        exchange.abandon();
      }
      whenOver.run();
    }
  }

  private void writeFailure(ApiException error) {
    answered = true;
    if (stream == null) {
      exchange.reply(Reply.error(error));
    } else {
      for (Line line : news) {
        if (!line.waits) {
          writeNews(line, stream);
        }
      }
      stream.send(error.json());
      stream.end();
    }
  }

  private void writeNews() {
    while (!news.isEmpty() && exchange.isWritable()) {
      Line line = news.remove();
      line.queued = false;
      if (!line.waits) {
        writeNews(line, opened());
      }
    }
    if (unfinished == 0) {
      EventStream out = opened();
      if (call.options().includeUsage()) {
        out.send(json -> format.writeUsageChunk(json, call, run.choices()));
      }
      answered = true;
      out.end();
    } else if (stream != null) {
      stream.flush();
    }
  }

  private void writeNews(Line line, EventStream out) {
    Choice choice = line.choice;
    if (!line.opened) {
      line.opened = true;
      if (line.opening != null) {
        out.send(line.opening);
        line.opening = null;
      } else if (format.hasOpening(call)) {
        out.send(json -> format.writeOpening(json, call, choice));
      }
    }
    boolean last = choice.finish() != null;
    if (last || choice.outputTokens() > 0) {
      out.send(json -> format.writeChunk(json, call, choice));
      choice.written();
    }
    if (last) {
      unfinished--;
    }
  }

  private EventStream opened() {
    if (stream == null) {
      stream = exchange.openStream();
    }
    return stream;
  }
}
