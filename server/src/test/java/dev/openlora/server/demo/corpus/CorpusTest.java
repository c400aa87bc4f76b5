package dev.openlora.server.demo.corpus;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.openlora.server.demo.corpus.Corpus.Share;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What must hold for every text that the demonstration learns from. */
class CorpusTest {
  private static final long SEED = 20_26;
  private static final int DRAWS = 20_000;
  private static final int WORDS_MAX = 180;
  private static final Pattern WRONG_ARTICLE =
      Pattern.compile(
          "\\b([Aa] (?!one|uni|use|eu)[aeio8]\\w*"
              + "|[Aa]n (?!hour|honest|honour|heir)[^aeiou8X\" ]\\w*)");
  private static final Pattern TEMPLATE_LEFT = Pattern.compile("[\\[\\]{}|\\\\]|  | [.,!?]|,,");
  private static final Pattern SMALL_BEGIN = Pattern.compile("(?:^|[.!?] |\\n)[a-z]");

  static Stream<Domain> domains() {
    return Stream.concat(Domains.BASE.stream(), Domains.ADAPTERS.stream());
  }

  @Test
  void theSameSeedGivesTheSamePassages() {
    assertThat(digest(Corpus.base(SEED))).isEqualTo(digest(Corpus.base(SEED)));
    assertThat(digest(Corpus.base(SEED))).isNotEqualTo(digest(Corpus.base(SEED + 1)));
    for (Domain domain : Domains.ADAPTERS) {
      assertThat(digest(Corpus.of(domain, SEED))).isEqualTo(digest(Corpus.of(domain, SEED)));
    }
  }

  @ParameterizedTest
  @MethodSource("domains")
  void noTwoPassagesAreEqual(Domain domain) {
    Set<String> seen = new HashSet<>();
    for (Passage passage : passages(domain, DRAWS)) {
      String text = passage.prompt() + "\n" + passage.answer();
      assertThat(seen.add(text)).as(text).isTrue();
    }
  }

  @ParameterizedTest
  @MethodSource("domains")
  void readsAsEnglish(Domain domain) {
    for (Passage passage : passages(domain, DRAWS / 8)) {
      assertThat(passage.title()).isNotBlank();
      for (String text : List.of(passage.prompt(), passage.answer())) {
        assertThat(text).isNotBlank().isEqualTo(text.strip());
        assertThat(text).matches("[\\x20-\\x7e\\n]+");
        assertThat(found(WRONG_ARTICLE, text)).as(text).isEmpty();
        assertThat(found(TEMPLATE_LEFT, text)).as(text).isEmpty();
        assertThat(found(SMALL_BEGIN, text)).as(text).isEmpty();
        assertThat(text.split("\\s+")).hasSizeLessThanOrEqualTo(WORDS_MAX);
        assertThat(text.chars().filter(c -> c == '"').count() % 2).as(text).isZero();
      }
      assertThat(passage.prompt()).matches("(?s).*[.?]");
    }
  }

  @Test
  void everyBaseDomainComesAsOftenAsItsWeight() {
    Corpus corpus = Corpus.base(SEED);
    List<Domain> drawn = Stream.generate(corpus::next).limit(DRAWS).map(Passage::domain).toList();
    int weights = Domains.BASE_SHARES.stream().mapToInt(Share::weight).sum();
    for (Share share : Domains.BASE_SHARES) {
      long count = drawn.stream().filter(domain -> domain.equals(share.domain())).count();
      double wanted = (double) DRAWS * share.weight() / weights;
      assertThat((double) count).as(share.domain().name()).isBetween(0.85 * wanted, 1.15 * wanted);
    }
  }

  @Test
  void anAdapterSaysWhatTheBasesOwnDomainsDoNot() {
    Set<String> base = new HashSet<>();
    Corpus corpus = new Corpus(Domains.BASE_SHARES, SEED);
    for (int i = 0; i < DRAWS; i++) {
      base.addAll(fiveGrams(corpus.next().answer()));
    }
    for (Domain domain : Domains.ADAPTERS) {
      List<String> own =
          passages(domain, 500).stream().flatMap(p -> fiveGrams(p.answer()).stream()).toList();
      double shared = (double) own.stream().filter(base::contains).count() / own.size();
      assertThat(shared).as(domain.name()).isLessThan(0.02);
    }
  }

  @Test
  void adaptersAndBaseAnswerTheSameRequests() {
    Set<String> plain = prompts(Domains.of("accounts"));
    for (Domain domain : Domains.ADAPTERS) {
      assertThat(prompts(domain)).as(domain.name()).isEqualTo(plain);
    }
  }

  @Test
  void refusesWhatIsNotThere() {
    assertThatThrownBy(() -> Domains.of("poem"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("domain: 'poem' (expected: one of [stories, ");
    assertThatThrownBy(() -> new Corpus(List.of(), 1))
        .hasMessage("shares: none (expected: at least one domain)");
    assertThatThrownBy(() -> new Share(Domains.of("sums"), 0))
        .hasMessage("weight: 0 of sums (expected: at least 1)");
  }

  static List<Passage> passages(Domain domain, int count) {
    SplittableRandom random = new SplittableRandom(SEED);
    return Stream.generate(() -> domain.passage(random)).limit(count).toList();
  }

  private static Set<String> prompts(Domain domain) {
    return passages(domain, DRAWS / 2).stream().map(Passage::prompt).collect(Collectors.toSet());
  }

  private static List<String> found(Pattern pattern, String text) {
    return pattern.matcher(text).results().map(r -> r.group()).toList();
  }

  private static List<String> fiveGrams(String text) {
    List<String> words = Arrays.asList(text.split("\\s+"));
    List<String> grams = new ArrayList<>();
    for (int i = 0; i + 5 <= words.size(); i++) {
      grams.add(String.join(" ", words.subList(i, i + 5)));
    }
    return grams;
  }

  private static String digest(Corpus corpus) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (int i = 0; i < 1000; i++) {
        Passage passage = corpus.next();
        String all = passage.title() + "\0" + passage.prompt() + "\0" + passage.answer() + "\0";
        digest.update(all.getBytes(StandardCharsets.UTF_8));
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
