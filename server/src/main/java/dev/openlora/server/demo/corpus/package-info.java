/**
 * The text of the demonstration: English that grammars write, for a base model and for eight
 * adapters. A grammar is a text file among the resources of this package; {@link
 * dev.openlora.server.demo.corpus.Grammar} describes its form.
 */
@NullMarked
package dev.openlora.server.demo.corpus;

import org.jspecify.annotations.NullMarked;
