/**
 * Moves weights: examples become batches, a batch's loss and gradients come from a decoder with
 * hand-written backward passes, and a loop of AdamW steps that can stop and go on at any point
 * writes what it learned as a PEFT adapter or a base model.
 *
 * <p>The way of a step: {@link dev.openlora.engine.training.ExampleSet} gives examples in the order
 * of the seed, {@link dev.openlora.engine.training.Packing} lays them one after the other into
 * {@link dev.openlora.engine.training.TrainingBatch}es, a {@link
 * dev.openlora.engine.training.Trainable} adds up their gradients, and the {@link
 * dev.openlora.engine.training.Trainer} clips them, moves its parameters and writes checkpoints.
 */
@NullMarked
package dev.openlora.engine.training;

import org.jspecify.annotations.NullMarked;
