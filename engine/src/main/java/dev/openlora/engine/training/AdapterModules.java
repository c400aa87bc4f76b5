package dev.openlora.engine.training;

import dev.openlora.adapter.AdapterShape;
import dev.openlora.adapter.BaseModel.LinearModule;
import dev.openlora.engine.model.HuggingFaceModel;
import dev.openlora.kernels.DType;
import dev.openlora.kernels.Tensor;
import dev.openlora.kernels.TensorArena;
import dev.openlora.kernels.TrainingOps;
import org.jspecify.annotations.Nullable;

/**
 * A frozen base, and beside or in the place of its modules what an adapter's config makes
 * trainable. Starts as PEFT does, so that the adapter changes nothing at first: A uniform within 1
 * / √in, B zero, magnitudes the norms of the weight's rows; of an embedding A zero and B normal;
 * what replaces something of the base is a copy of it.
 */
final class AdapterModules implements TrainedDecoder.Modules {
  private final HuggingFaceModel model;
  private final AdapterShape shape;
  private final TrainingOps ops;
  private final ParameterSet parameters;
  private final InitialValues initial;

  AdapterModules(
      HuggingFaceModel model,
      AdapterShape shape,
      TrainingOps ops,
      ParameterSet parameters,
      InitialValues initial) {
    this.model = model;
    this.shape = shape;
    this.ops = ops;
    this.parameters = parameters;
    this.initial = initial;
  }

  @Override
  public TrainedEmbedding embedding() {
    AdapterShape.Embedding wanted = shape.embedding();
    Tensor base = model.embedding();
    if (wanted.table() != null) {
      Parameter table = parameters.copyOf(wanted.table(), true, base);
      if (wanted.headTable() != null) {
        parameters.nameAgain(table, wanted.headTable());
      }
      return new TrainedEmbedding(table.value(), table.gradient(), null, null);
    }
    if (wanted.rows() != null) {
      ReplacedRows rows = rows(wanted.rows(), base);
      return new TrainedEmbedding(rows.matrix(), null, rows, null);
    }
    if (wanted.a() != null && wanted.b() != null) {
      long rank = wanted.rank();
      Parameter a = parameters.zeros(wanted.a(), true, base.size(0), rank);
      parameters.markTransposed(a);
      float[] values = initial.normal(wanted.b(), count(base.size(1) * rank));
      Parameter b = parameters.of(wanted.b(), true, values, base.size(1), rank);
      return new TrainedEmbedding(base, null, null, new LoraPair(a, b, wanted.scale(), null, null));
    }
    return new TrainedEmbedding(base, null, null, null);
  }

  private ReplacedRows rows(AdapterShape.TokenRows wanted, Tensor base) {
    int[] ids = wanted.tokenIds();
    int width = Math.toIntExact(base.size(1));
    float[] values = new float[count((long) ids.length * width)];
    float[] row = new float[width];
    for (int i = 0; i < ids.length; i++) {
      base.readRow(ids[i], row);
      System.arraycopy(row, 0, values, i * width, width);
    }
    Parameter rows = parameters.of(wanted.name(), true, values, ids.length, width);
    return new ReplacedRows(parameters.matrixCopy(base), ids, rows);
  }

  @Override
  public TrainedLinear linear(int module) {
    LinearModule base = model.linears().get(module);
    AdapterShape.Linear wanted = shape.linear(module);
    Tensor weight = base.weight();
    Tensor weightGradient = null;
    if (wanted.weight() != null) {
      Parameter copy = parameters.copyOf(wanted.weight(), true, weight);
      weight = copy.value();
      weightGradient = copy.gradient();
    }
    Tensor bias = base.bias() == null ? null : parameters.vector(base.bias());
    Tensor biasGradient = null;
    if (wanted.bias() != null && bias != null) {
      Parameter copy = parameters.copyOf(wanted.bias(), false, bias);
      bias = copy.value();
      biasGradient = copy.gradient();
    }
    return new TrainedLinear(
        weight, weightGradient, bias, biasGradient, pair(base, wanted, weight), null);
  }

  private @Nullable LoraPair pair(LinearModule base, AdapterShape.Linear wanted, Tensor weight) {
    if (wanted.a() == null || wanted.b() == null) {
      return null;
    }
    int rank = wanted.rank();
    float[] values =
        initial.uniform(wanted.a(), count((long) rank * base.in()), 1 / Math.sqrt(base.in()));
    Parameter a = parameters.of(wanted.a(), true, values, rank, base.in());
    Parameter b = parameters.zeros(wanted.b(), true, base.out(), rank);
    Parameter productBias =
        wanted.productBias() == null
            ? null
            : parameters.zeros(wanted.productBias(), false, base.out());
    Parameter magnitude =
        wanted.magnitude() == null
            ? null
            : magnitude(base.name(), wanted.magnitude(), weight, a, b, wanted.scale());
    return new LoraPair(a, b, wanted.scale(), magnitude, productBias);
  }

  private Parameter magnitude(
      String module, String name, Tensor weight, Parameter a, Parameter b, float scale) {
    try (TensorArena scratch = ops.newArena("row norms")) {
      Tensor norms = scratch.allocate(DType.F32, weight.size(0));
      ops.loraRowNorms(norms, weight, a.value(), b.value(), scale);
      float[] values = norms.toFloats();
      for (int i = 0; i < values.length; i++) {
        if (!(values[i] > 0)) {
          throw new IllegalArgumentException(
              "use_dora: row "
                  + i
                  + " of "
                  + module
                  + " has the norm "
                  + values[i]
                  + " (expected: above 0)");
        }
      }
      return parameters.of(name, false, values, values.length);
    }
  }

  @Override
  public TrainedNorm norm(int module) {
    Tensor base = model.norms().get(module).weight();
    String wanted = shape.norm(module);
    return wanted == null
        ? TrainedNorm.frozen(parameters.vector(base))
        : TrainedNorm.of(parameters.copyOf(wanted, false, base));
  }

  @Override
  public TrainedLinear head(int module, TrainedEmbedding embedding) {
    if (shape.embedding().tied()) {
      return new TrainedLinear(
          embedding.table(), embedding.tableGradient(), null, null, null, embedding.rows());
    }
    AdapterShape.TokenRows wanted = shape.headRows();
    if (wanted == null) {
      return linear(module);
    }
    ReplacedRows rows = rows(wanted, model.linears().get(module).weight());
    return new TrainedLinear(rows.matrix(), null, null, null, null, rows);
  }

  private static int count(long elements) {
    return Math.toIntExact(elements);
  }
}
