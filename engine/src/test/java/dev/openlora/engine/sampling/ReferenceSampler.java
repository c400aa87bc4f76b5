package dev.openlora.engine.sampling;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** The formula of {@link Sampler}, read aloud: whole rows, full sorts, no shortcut. */
final class ReferenceSampler {
  private ReferenceSampler() {}

  static double[] probabilities(
      float[] logits,
      SamplingParams params,
      List<Integer> prompt,
      List<Integer> output,
      int[] eos) {
    int n = logits.length;
    double[] x = new double[n];
    for (int i = 0; i < n; i++) {
      int id = i;
      long count = output.stream().filter(token -> token == id).count();
      x[i] = logits[i] + params.logitBias().getOrDefault(i, 0f).doubleValue();
      boolean ends =
          params.stopTokenIds().contains(i) || IntStream.of(eos).anyMatch(token -> token == id);
      if (ends && output.size() < params.minTokens()) {
        x[i] = Double.NEGATIVE_INFINITY;
      }
      if (count > 0 || prompt.contains(i)) {
        double penalty = params.repetitionPenalty();
        x[i] = x[i] > 0 ? x[i] / penalty : x[i] * penalty;
      }
      x[i] -= params.frequencyPenalty() * count;
      x[i] -= count > 0 ? params.presencePenalty() : 0;
    }
    if (Arrays.stream(x).allMatch(Double::isInfinite)) {
      Arrays.fill(x, Double.NaN);
      return x;
    }
    if (params.temperature() == 0) {
      return certain(x);
    }
    for (int i = 0; i < n; i++) {
      x[i] /= params.temperature();
    }
    double[] shares = softmax(x);
    double most = IntStream.range(0, n).mapToDouble(i -> shares[i]).max().orElseThrow();
    for (int i = 0; i < n; i++) {
      if (shares[i] < params.minP() * most) {
        x[i] = Double.NEGATIVE_INFINITY;
      }
    }
    if (params.topK() > 0 && params.topK() < n) {
      double[] sorted = x.clone();
      Arrays.sort(sorted);
      double least = sorted[n - params.topK()];
      for (int i = 0; i < n; i++) {
        x[i] = x[i] < least ? Double.NEGATIVE_INFINITY : x[i];
      }
    }
    if (params.topP() < 1) {
      double[] left = softmax(x);
      List<Integer> ascending =
          IntStream.range(0, n)
              .boxed()
              .sorted(Comparator.comparingDouble(i -> x[i]))
              .limit(n - 1)
              .toList();
      double dropped = 0;
      for (int i : ascending) {
        dropped += left[i];
        if (dropped <= 1 - params.topP()) {
          x[i] = Double.NEGATIVE_INFINITY;
        }
      }
    }
    return softmax(x);
  }

  private static double[] certain(double[] x) {
    int best = 0;
    for (int i = 1; i < x.length; i++) {
      best = x[i] > x[best] ? i : best;
    }
    double[] shares = new double[x.length];
    shares[best] = 1;
    return shares;
  }

  private static double[] softmax(double[] x) {
    double greatest = Arrays.stream(x).max().orElseThrow();
    double[] shares = new double[x.length];
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      shares[i] = Math.exp(x[i] - greatest);
      sum += shares[i];
    }
    for (int i = 0; i < x.length; i++) {
      shares[i] /= sum;
    }
    return shares;
  }
}
