package dev.openlora.engine.training;

import dev.openlora.adapter.BaseModel.LinearModule;
import dev.openlora.adapter.BaseModel.NormModule;
import dev.openlora.engine.model.HuggingFaceModel;

/** Copies of all of a base's weights, every one of them trained. */
final class FullModules implements TrainedDecoder.Modules {
  private final HuggingFaceModel model;
  private final ParameterSet parameters;

  FullModules(HuggingFaceModel model, ParameterSet parameters) {
    this.model = model;
    this.parameters = parameters;
  }

  @Override
  public TrainedEmbedding embedding() {
    Parameter table = parameters.copyOf("model.embed_tokens.weight", true, model.embedding());
    return new TrainedEmbedding(table.value(), table.gradient(), null, null);
  }

  @Override
  public TrainedLinear linear(int module) {
    LinearModule linear = model.linears().get(module);
    Parameter weight = parameters.copyOf(linear.name() + ".weight", true, linear.weight());
    if (linear.bias() == null) {
      return new TrainedLinear(weight.value(), weight.gradient(), null, null, null, null);
    }
    Parameter bias = parameters.copyOf(linear.name() + ".bias", false, linear.bias());
    return new TrainedLinear(
        weight.value(), weight.gradient(), bias.value(), bias.gradient(), null, null);
  }

  @Override
  public TrainedNorm norm(int module) {
    NormModule norm = model.norms().get(module);
    return TrainedNorm.of(parameters.copyOf(norm.name() + ".weight", false, norm.weight()));
  }

  @Override
  public TrainedLinear head(int module, TrainedEmbedding embedding) {
    return model.tiedEmbeddings()
        ? new TrainedLinear(embedding.table(), embedding.tableGradient(), null, null, null, null)
        : linear(module);
  }
}
