package dev.openlora.server.template;

import java.util.List;

/** The tokens of a template, one of them current, and how deep the parser is in them. */
final class Tokens {
  private final List<Token> tokens;
  private final TemplateLimits limits;
  private int at;
  private int depth;

  Tokens(List<Token> tokens, TemplateLimits limits) {
    this.tokens = tokens;
    this.limits = limits;
  }

  Token current() {
    return tokens.get(at);
  }

  Token ahead() {
    return tokens.get(Math.min(at + 1, tokens.size() - 1));
  }

  /** The current token, which is then left behind. */
  Token next() {
    Token t = tokens.get(at);
    if (at < tokens.size() - 1) {
      at++;
    }
    return t;
  }

  boolean skipName(String name) {
    boolean there = current().isName(name);
    if (there) {
      next();
    }
    return there;
  }

  boolean skipOperator(String operator) {
    boolean there = current().isOperator(operator);
    if (there) {
      next();
    }
    return there;
  }

  void expect(Token.Kind kind) {
    if (current().kind() != kind) {
      throw expected(new Token(kind, "", 0).described());
    }
    next();
  }

  void expectOperator(String operator) {
    if (!skipOperator(operator)) {
      throw expected(operator);
    }
  }

  void expectName(String name) {
    if (!skipName(name)) {
      throw expected(name);
    }
  }

  String name() {
    if (current().kind() != Token.Kind.NAME) {
      throw expected("name");
    }
    return next().text();
  }

  private TemplateException expected(String what) {
    return error("expected token '" + what + "', got '" + current().described() + "'");
  }

  TemplateException error(String reason) {
    return TemplateException.syntax(reason, current().line());
  }

  /** Goes one bracket, sign or block deeper; {@link #leave()} comes back. */
  void enter() {
    if (++depth > limits.syntaxNesting()) {
      throw TemplateException.limit("syntax nested more than " + limits.syntaxNesting() + " deep")
          .at(current().line());
    }
  }

  void leave() {
    depth--;
  }

  /** One more operator, filter or subscript in a row. */
  int link(int links) {
    if (links >= limits.operatorChain()) {
      throw TemplateException.limit("more than " + limits.operatorChain() + " operators in a row")
          .at(current().line());
    }
    return links + 1;
  }
}
