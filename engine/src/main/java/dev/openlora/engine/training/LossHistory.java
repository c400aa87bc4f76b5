package dev.openlora.engine.training;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * The losses of a run, of any length in bounded memory: when there are {@value #POINTS_MAX} points,
 * each two become their mean. One thread at a time.
 */
public final class LossHistory {
  static final int POINTS_MAX = 4096;

  /**
   * @param step the last of those that the point is the mean of
   */
  public record Point(int step, double loss, double learningRate) {}

  /** A loss on the held-out examples. */
  public record Evaluation(int step, double loss) {}

  private final List<Point> points = new ArrayList<>();
  private final List<Evaluation> evaluations = new ArrayList<>();
  private int stride = 1;
  private int open;
  private Point sum = new Point(0, 0, 0);

  /** Points of the training loss, rising steps. */
  public List<Point> points() {
    List<Point> all = new ArrayList<>(points);
    if (open > 0) {
      all.add(mean());
    }
    return all;
  }

  /** Evaluations, rising steps; of very many, every second or fewer. */
  public List<Evaluation> evaluations() {
    return List.copyOf(evaluations);
  }

  void add(int step, double loss, double learningRate) {
    sum = new Point(step, sum.loss() + loss, sum.learningRate() + learningRate);
    open++;
    if (open < stride) {
      return;
    }
    points.add(mean());
    open = 0;
    sum = new Point(0, 0, 0);
    if (points.size() == POINTS_MAX) {
      for (int i = 0; i < POINTS_MAX / 2; i++) {
        Point left = points.get(2 * i);
        Point right = points.get(2 * i + 1);
        points.set(
            i,
            new Point(
                right.step(),
                (left.loss() + right.loss()) / 2,
                (left.learningRate() + right.learningRate()) / 2));
      }
      points.subList(POINTS_MAX / 2, POINTS_MAX).clear();
      stride = Math.multiplyExact(stride, 2);
    }
  }

  private Point mean() {
    return new Point(sum.step(), sum.loss() / open, sum.learningRate() / open);
  }

  void addEvaluation(int step, double loss) {
    evaluations.add(new Evaluation(step, loss));
    if (evaluations.size() == POINTS_MAX) {
      for (int i = 0; i < POINTS_MAX / 2; i++) {
        evaluations.set(i, evaluations.get(2 * i + 1));
      }
      evaluations.subList(POINTS_MAX / 2, POINTS_MAX).clear();
    }
  }

  ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("stride", stride).put("open", open);
    put(json.putArray("sum"), sum);
    ArrayNode training = json.putArray("training");
    points.forEach(point -> put(training.addArray(), point));
    ArrayNode heldOut = json.putArray("held_out");
    evaluations.forEach(each -> heldOut.addArray().add(each.step()).add(each.loss()));
    return json;
  }

  private static void put(ArrayNode array, Point point) {
    array.add(point.step()).add(point.loss()).add(point.learningRate());
  }

  static LossHistory of(JsonNode json) {
    LossHistory history = new LossHistory();
    history.stride = json.required("stride").intValue();
    history.open = json.required("open").intValue();
    history.sum = point(json.required("sum"));
    json.required("training").forEach(each -> history.points.add(point(each)));
    json.required("held_out")
        .forEach(each ->
            history.evaluations.add(
                new Evaluation(each.required(0).intValue(), each.required(1).doubleValue())));
    return history;
  }

  private static Point point(JsonNode json) {
    return new Point(
        json.required(0).intValue(),
        json.required(1).doubleValue(),
        json.required(2).doubleValue());
  }
}
