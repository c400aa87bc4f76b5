package dev.openlora.engine.training;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HeldOutTest {
  private final List<Example> examples = Examples.random(1, 2000, 50, 30);

  @Test
  void refusesAShareThatLeavesASideEmpty() {
    assertThatThrownBy(() -> HeldOut.split(examples, 1, 0))
        .hasMessage("held_out: 1.0 (expected: from 0, below 1)");
    assertThatThrownBy(() -> HeldOut.split(examples, Double.NaN, 0))
        .hasMessage("held_out: NaN (expected: from 0, below 1)");
    assertThatThrownBy(() -> HeldOut.split(examples.subList(0, 3), 1e-9, 0))
        .hasMessage("held_out: 1.0E-9 takes 0 of 3 examples (expected: at least one on each side)");
    assertThatThrownBy(() -> HeldOut.split(List.of(), 0, 0))
        .hasMessage("held_out: 0.0 takes 0 of 0 examples (expected: at least one on each side)");
  }

  @Test
  void dividesAboutTheShareAndLosesNothing() {
    HeldOut split = HeldOut.split(examples, 0.1, 5);
    assertThat(split.heldOut()).hasSizeBetween(140, 260);
    List<Example> all = new ArrayList<>(split.training());
    all.addAll(split.heldOut());
    assertThat(all).containsExactlyInAnyOrderElementsOf(examples);
    assertThat(HeldOut.split(examples, 0, 5).heldOut()).isEmpty();
  }

  @Test
  void aRowKeepsItsSideInAnyOrderAndAnyCompany() {
    HeldOut split = HeldOut.split(examples, 0.3, 5);
    List<Example> some = new ArrayList<>(examples.subList(100, 900));
    some.addAll(Examples.random(2, 500, 50, 30));
    some.addAll(examples.subList(100, 200));
    Collections.shuffle(some, new Random(3));
    HeldOut again = HeldOut.split(some, 0.3, 5);
    assertThat(again.training()).doesNotContainAnyElementsOf(split.heldOut());
    assertThat(again.heldOut()).doesNotContainAnyElementsOf(split.training());
  }

  @Test
  void anotherSeedDividesOtherwise() {
    assertThat(HeldOut.split(examples, 0.3, 6).heldOut())
        .isNotEqualTo(HeldOut.split(examples, 0.3, 5).heldOut());
  }
}
