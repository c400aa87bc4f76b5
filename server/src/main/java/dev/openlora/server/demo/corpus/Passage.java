package dev.openlora.server.demo.corpus;

/**
 * A small text, with a request that it answers.
 *
 * @param title what it is about, a few words
 * @param prompt what a user would ask
 * @param answer the text
 */
public record Passage(Domain domain, String title, String prompt, String answer) {}
