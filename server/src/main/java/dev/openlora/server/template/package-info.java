/**
 * Chat templates: the part of Jinja2 that model authors use, rendered as transformers renders it,
 * inside limits.
 *
 * <p>Source runs through {@code Lexer}, {@code Parser} and {@code Interpreter}. Everything but
 * {@code TemplateCorpus} needs nothing beyond the JDK, and nothing here reflects, loads or reaches
 * outside the values it was given.
 */
@NullMarked
package dev.openlora.server.template;

import org.jspecify.annotations.NullMarked;
