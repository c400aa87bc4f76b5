/**
 * From rows to an adapter: {@link dev.openlora.server.tuning.TrainingRows} reads what people
 * contributed, {@link dev.openlora.server.tuning.ExampleBuilder} makes examples of it, {@link
 * dev.openlora.server.tuning.Tuning} trains and writes the adapter's folder, {@link
 * dev.openlora.server.tuning.Pretraining} a whole model's, {@link
 * dev.openlora.server.tuning.Evaluation} says how good they are.
 */
@NullMarked
package dev.openlora.server.tuning;

import org.jspecify.annotations.NullMarked;
