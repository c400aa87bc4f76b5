package dev.openlora.server.openai;

import static org.assertj.core.api.Assertions.assertThat;

import dev.openlora.server.openai.TestServer.Answer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What fields may hold, with vLLM's figures; every refusal is 400 with a sentence. */
class ValidationTest {
  private static TestServer server;

  @BeforeAll
  static void start() {
    server = TestServer.start(FakeEngine.running(512));
  }

  @AfterAll
  static void close() {
    server.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "max_tokens":-1            | max_tokens | max_tokens must be at least 1, got -1.
          "max_tokens":0             | max_tokens | max_tokens must be at least 1, got 0.
          "max_tokens":2.5           | max_tokens | max_tokens must be an integer, got 2.5.
          "max_tokens":"five"        | max_tokens | max_tokens must be an integer, got "five".
          "max_tokens":99999999999   | max_tokens | max_tokens must be a 32-bit integer, got 99999999999.
          "max_tokens":{}            | max_tokens | max_tokens must be an integer, got an object.
          "max_tokens":100000        | input_tokens | This model's maximum context length is 512 tokens. However, you requested 100000 output tokens
          "n":0                      | n | n must be at least 1, got 0.
          "n":-1                     | n | n must be at least 1, got -1.
          "n":129                    | n | n must be at most 128, got 129.
          "best_of":2                | best_of | best_of must be absent or equal to n=1, got 2.
          "temperature":3            | temperature | temperature must be in [0, 2], got 3.0.
          "temperature":-1           | temperature | temperature must be in [0, 2], got -1.0.
          "temperature":"hot"        | temperature | temperature must be a number, got "hot".
          "temperature":1e999        | temperature | temperature must be a finite number
          "temperature":[1]          | temperature | temperature must be a finite number, got a list.
          "top_p":0                  | top_p | top_p must be in (0, 1], got 0.0.
          "top_p":1.5                | top_p | top_p must be in (0, 1], got 1.5.
          "top_k":-2                 | top_k | top_k must be 0 or -1 (all tokens), or at least 1, got -2.
          "min_p":2                  | min_p | min_p must be in [0, 1], got 2.0.
          "presence_penalty":3       | presence_penalty | presence_penalty must be in [-2, 2], got 3.0.
          "frequency_penalty":-3     | frequency_penalty | frequency_penalty must be in [-2, 2], got -3.0.
          "repetition_penalty":0     | repetition_penalty | repetition_penalty must be in [0.001, 1000], got 0.0.
          "logprobs":100             | logprobs | Requested sample logprobs of 100, which is greater than max allowed: 20
          "logprobs":-1              | logprobs | logprobs must be at least 0, got -1.
          "prompt_logprobs":21       | prompt_logprobs | Requested prompt logprobs of 21, which is greater than max allowed: 20
          "prompt_logprobs":1,"stream":true | prompt_logprobs | prompt_logprobs are not available when `stream=True`.
          "stop":5                   | stop | stop must be a string or a list of strings, got 5.
          "stop":["a","b","c","d","e"] | stop | stop must have at most 4 entries, got 5.
          "stop":""                  | stop | stop cannot contain an empty string.
          "stop":["a",1]             | stop[1] | stop[1] must be a string, got 1.
          "stop_token_ids":[300]     | stop_token_ids | Token id 300 is out of vocabulary
          "stop_token_ids":7         | stop_token_ids | stop_token_ids must be a list of integers, got 7.
          "seed":"x"                 | seed | seed must be a 64-bit integer, got "x".
          "seed":9223372036854775808 | seed | seed must be a 64-bit integer, got 9223372036854775808.
          "suffix":"end"             | suffix | suffix is not supported by this server, got "end".
          "stream_options":{}        | stream_options | Stream options can only be defined when `stream=True`.
          "stream":"maybe"           | stream | stream must be a boolean, got "maybe".
          "stream":true,"stream_options":5 | stream_options | stream_options must be an object, got 5.
          "logit_bias":{"9999":1}    | logit_bias | Token id 9999 is out of vocabulary
          "logit_bias":{"a":1}       | logit_bias | logit_bias must have token ids as keys, got "a".
          "logit_bias":{"1":"x"}     | logit_bias.1 | logit_bias.1 must be a number, got "x".
          "logit_bias":[1]           | logit_bias | logit_bias must be an object from token ids to numbers, got a list.
          "min_tokens":20            | min_tokens | min_tokens must be at most max_tokens=16, got 20.
          "min_tokens":-1            | min_tokens | min_tokens must be at least 0, got -1.
          "truncate_prompt_tokens":0 | truncate_prompt_tokens | truncate_prompt_tokens must be -1 or in [1, 512], got 0.
          "truncate_prompt_tokens":513 | truncate_prompt_tokens | truncate_prompt_tokens must be -1 or in [1, 512], got 513.
          "truncate_prompt_tokens":5,"truncation_side":"up" | truncation_side | truncation_side must be 'left' or 'right'.
          "response_format":{"type":"json_object"} | response_format | response_format is not supported by this server, got an object.
          "guided_json":{}           | guided_json | guided_json is not supported
          "structured_outputs":{}    | structured_outputs | structured_outputs is not supported
          "use_beam_search":true     | use_beam_search | use_beam_search is not supported
          "allowed_token_ids":[1]    | allowed_token_ids | allowed_token_ids is not supported
          "bad_words":["a"]          | bad_words | bad_words is not supported
          "lora":[{"id":0}]          | lora | Name an adapter in model, or several in adapters.
          "priority":1               | priority | priority is not supported
          "user":5                   | user | user must be a string, got 5.
          "model":5                  | model | model must be a string, got 5.
          "echo":"perhaps"           | echo | echo must be a boolean, got "perhaps".
          "adapters":5               | adapters | adapters must be a list of {"id", "scale"}, got 5.
          "adapters":["a"]           | adapters[0] | adapters[0] must be an object, got "a".
          "adapters":[{}]            | adapters[0].id | adapters[0].id must name an adapter, got nothing.
          "adapters":[{"id":"a"},{"id":"a"},{"id":"a"},{"id":"a"},{"id":"a"},{"id":"a"},{"id":"a"},{"id":"a"},{"id":"a"}] | adapters | adapters must have at most 8 entries, got 9.
          """)
  void refusesFieldsOfCompletions(String field, String param, String message) {
    Answer answer = server.complete("{\"prompt\":\"On\"," + field + "}");
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    assertThat(answer.error()).contains(message);
    assertThat(answer.param()).isEqualTo(param);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {}                     | Either prompt or prompt_embeds must be provided and non-empty.
          {"prompt":""}          | Either prompt or prompt_embeds must be provided and non-empty.
          {"prompt":null}        | Either prompt or prompt_embeds must be provided and non-empty.
          {"prompt":[]}          | You must pass at least one prompt
          {"prompt":5}           | prompt must be a string, a list of strings
          {"prompt":{}}          | prompt must be a string, a list of strings
          {"prompt":[99999]}     | Token id 99999 is out of vocabulary (expected: 0 to 257)
          {"prompt":[-1]}        | Token id -1 is out of vocabulary
          {"prompt":[99999999999]} | Token id 99999999999 is out of vocabulary
          {"prompt":[1,"a"]}     | prompt[1] must be a token id, got "a".
          {"prompt":[1.5]}       | prompt[0] must be a token id, got 1.5.
          {"prompt":["a",1]}     | prompt[1] must be a string or a list of token ids, not empty, got 1.
          {"prompt":["a",""]}    | prompt[1] must be a string or a list of token ids, not empty, got "".
          {"prompt":[[1],[]]}    | prompt[1] must be a string or a list of token ids, not empty, got a list.
          {"prompt":[[[1]]]}     | prompt[0][0] must be a token id, got a list.
          {"prompt":[true]}      | prompt[0] must be a string or a list of token ids, not empty, got true.
          {"prompt_embeds":"x"}  | prompt_embeds is not supported
          """)
  void refusesPrompts(String body, String message) {
    Answer answer = server.complete(body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    assertThat(answer.error()).contains(message);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"max_tokens\":\"5\"",
        "\"max_tokens\":5.0",
        "\"n\":\"2\"",
        "\"stream\":\"no\"",
        "\"logprobs\":true",
        "\"temperature\":null",
        "\"temperature\":\"0.5\"",
        "\"top_k\":0",
        "\"top_k\":-1",
        "\"seed\":-1",
        "\"seed\":-9223372036854775808",
        "\"best_of\":1",
        "\"logit_bias\":{\"5\":200}",
        "\"unknown_field\":{\"x\":[1]}",
        "\"max_tokens\":0,\"echo\":true",
        "\"response_format\":{\"type\":\"text\"}",
        "\"use_beam_search\":false",
        "\"bad_words\":[]",
        "\"suffix\":null",
        "\"stop\":null",
        "\"stop\":[]",
        "\"adapters\":[]",
        "\"adapters\":null",
        "\"stream_options\":null",
        "\"user\":\"me\"",
        "\"truncate_prompt_tokens\":-1"
      })
  void acceptsWhatOthersAccept(String field) {
    Answer answer = server.complete("{\"prompt\":\"On\"," + field + "}");
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          "tools":[{}]              | tools | tools is not supported by this server, got a list.
          "tools":[]                | tools | tools is not supported
          "tool_choice":"auto"      | tool_choice | tool_choice is not supported
          "functions":[]            | functions | functions is not supported
          "audio":{}                | audio | audio is not supported
          "modalities":["audio"]    | modalities | modalities is not supported
          "echo":true               | echo | echo is not supported
          "top_logprobs":2          | top_logprobs | when using `top_logprobs`, `logprobs` must be set to true.
          "logprobs":true,"top_logprobs":21 | top_logprobs | greater than max allowed: 20
          "max_completion_tokens":0 | max_completion_tokens | max_completion_tokens must be at least 1, got 0.
          "max_tokens":0            | max_tokens | max_tokens must be at least 1, got 0.
          "chat_template":"{{x}}"   | chat_template | templates from requests are not trusted
          "continue_final_message":true | continue_final_message | Cannot set both
          "chat_template_kwargs":5  | chat_template_kwargs | chat_template_kwargs must be an object, got 5.
          "chat_template_kwargs":{"messages":[]} | chat_template_kwargs | must not set messages
          "documents":[5]           | documents[0] | documents[0] must be an object, got 5.
          "reasoning_effort":5      | reasoning_effort | reasoning_effort must be a string, got 5.
          """)
  void refusesFieldsOfChats(String field, String param, String message) {
    Answer answer =
        server.chat("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]," + field + "}");
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    assertThat(answer.error()).contains(message);
    assertThat(answer.param()).isEqualTo(param);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          {}                                  | messages must be a list of messages, got nothing.
          {"messages":[]}                     | messages must have at least one message, got none.
          {"messages":"Hi"}                   | messages must be a list of messages, got "Hi".
          {"messages":["Hi"]}                 | messages[0] must be an object, got "Hi".
          {"messages":[{"content":"Hi"}]}     | messages[0].role must be system, developer, user, assistant or tool, got nothing.
          {"messages":[{"role":"god","content":"Hi"}]} | got "god".
          {"messages":[{"role":5,"content":"Hi"}]} | messages[0].role must be a string, got 5.
          {"messages":[{"role":"user"}]}      | messages[0].content must be a string or a list of parts, got nothing.
          {"messages":[{"role":"user","content":5}]} | messages[0].content must be a string or a list of parts, got 5.
          {"messages":[{"role":"user","content":[{"type":"image_url"}]}]} | messages[0].content[0].type must be text, got "image_url".
          {"messages":[{"role":"user","content":[{"type":"text"}]}]} | messages[0].content[0].text must be a string, got nothing.
          {"messages":[{"role":"user","content":[5]}]} | messages[0].content[0] must be an object, got 5.
          {"messages":[{"role":"assistant","tool_calls":[{}]}]} | messages[0].tool_calls is not supported by this server.
          {"messages":[{"role":"tool","content":"x"}]} | The chat template refused the messages: no tools here
          """)
  void refusesMessages(String body, String message) {
    Answer answer = server.chat(body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    assertThat(answer.error()).contains(message);
  }

  @Test
  void rendersMessagesAndAnswersAChat() {
    Answer answer =
        server.chat(
            "{\"messages\":[{\"role\":\"system\",\"content\":\"Be short\"},{\"role\":\"user\","
                + "\"content\":[{\"type\":\"text\",\"text\":\"a\"},\"b\"]}],"
                + "\"max_completion_tokens\":2,\"max_tokens\":9,\"logprobs\":true,"
                + "\"return_token_ids\":true,\"prompt_logprobs\":0,"
                + "\"chat_template_kwargs\":{\"thinking\":false}}");
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    var json = answer.json();
    var choice = json.get("choices").get(0);
    assertThat(json.get("id").stringValue()).startsWith("chatcmpl-");
    assertThat(choice.get("message").toString())
        .isEqualTo("{\"role\":\"assistant\",\"content\":\"ab\",\"refusal\":null}");
    assertThat(choice.get("logprobs").get("content").get(0).toString())
        .isEqualTo("{\"token\":\"a\",\"logprob\":-0.25,\"bytes\":[97],\"top_logprobs\":[]}");
    assertThat(choice.get("token_ids").toString()).isEqualTo("[97,98]");
    String prompt = "system: Be short\nuser: a\nb\nthinking=false\nassistant:";
    assertThat(json.get("prompt_token_ids")).hasSize(prompt.length());
    assertThat(json.get("prompt_logprobs")).hasSize(prompt.length());
    assertThat(json.get("usage").get("prompt_tokens").intValue()).isEqualTo(prompt.length());
    var submitted = server.engine.submitted().getLast();
    assertThat(server.engine.tokenizer().decode(submitted.promptIds(), false)).isEqualTo(prompt);
  }

  @Test
  void givesAChatTheRestOfTheContext() {
    server.chat("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"stop\":\"c\"}");
    var request = server.engine.submitted().getLast();
    assertThat(request.sampling().maxTokens()).isEqualTo(512 - request.promptIds().length);
  }

  @Test
  void saysHowMuchTooLongAPromptIs() {
    Answer answer = server.complete("{\"prompt\":\"" + "x".repeat(600) + "\"}");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.error())
        .isEqualTo(
            "This model's maximum context length is 512 tokens. However, your prompt contains 601"
                + " input tokens. Please reduce the length of the input prompt or the number of"
                + " requested output tokens. (parameter=input_tokens, value=601)");
    assertThat(
            server
                .complete("{\"prompt\":\"" + "x".repeat(500) + "\",\"max_tokens\":null}")
                .json()
                .get("usage")
                .get("completion_tokens")
                .intValue())
        .isEqualTo(11);
  }

  @Test
  void takesNoMessagesWithoutATemplate() {
    try (TestServer bare = new TestServer.Setup().chat(null).start(FakeEngine.running(512))) {
      Answer answer = bare.chat("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}");
      assertThat(answer.status()).isEqualTo(400);
      assertThat(answer.error()).startsWith("This model has no chat template");
    }
  }

  @Test
  void tokenizesAndDetokenizes() {
    assertThat(server.post("/tokenize", "{\"prompt\":\"On\"}").text())
        .isEqualTo(
            "{\"count\":3,\"max_model_len\":512,\"tokens\":[256,79,110],\"token_strs\":null}");
    assertThat(
            server
                .post(
                    "/tokenize",
                    "{\"prompt\":\"On\",\"add_special_tokens\":false,\"return_token_strs\":true}")
                .text())
        .isEqualTo(
            "{\"count\":2,\"max_model_len\":512,\"tokens\":[79,110],\"token_strs\":[\"O\",\"n\"]}");
    assertThat(
            server
                .post("/tokenize", "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}")
                .json()
                .get("count")
                .intValue())
        .isEqualTo("user: Hi\nassistant:".length());
    assertThat(server.post("/detokenize", "{\"tokens\":[256,79,110]}").text())
        .isEqualTo("{\"prompt\":\"<s>On\"}");
    assertThat(server.post("/tokenize", "{}").status()).isEqualTo(400);
    assertThat(server.post("/detokenize", "{\"tokens\":[999]}").status()).isEqualTo(400);
    assertThat(server.post("/detokenize", "{\"tokens\":\"x\"}").status()).isEqualTo(400);
    assertThat(server.post("/tokenize", "{\"model\":\"nosuch\",\"prompt\":\"a\"}").status())
        .isEqualTo(404);
  }

  @Test
  void keepsTheEnginesRefusalsApart() {
    FakeEngine full = FakeEngine.running(512).holds(0);
    try (TestServer busy = TestServer.start(full)) {
      Answer answer = busy.complete("{\"prompt\":\"On\"}");
      assertThat(answer.status()).isEqualTo(429);
      assertThat(answer.header("retry-after")).isEqualTo("1");
      assertThat(answer.error()).isEqualTo("The queue is full.");
    }
  }
}
