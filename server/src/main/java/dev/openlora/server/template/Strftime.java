package dev.openlora.server.template;

import java.time.LocalDateTime;
import java.time.format.TextStyle;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** Python's {@code strftime} in the C locale, with glibc's flags; the time has no zone. */
final class Strftime {
  private Strftime() {}

  static String format(Budget budget, LocalDateTime t, String format) {
    StringBuilder out = new StringBuilder();
    int i = 0;
    while (i < format.length()) {
      budget.step();
      char c = format.charAt(i);
      int from = i++;
      if (c != '%') {
        out.append(c);
        continue;
      }
      char flag = 0;
      while (i < format.length() && "-_0^#".indexOf(format.charAt(i)) >= 0) {
        flag = format.charAt(i++);
      }
      int digits = i;
      while (i < format.length() && i < digits + 4 && Character.digit(format.charAt(i), 10) >= 0) {
        i++;
      }
      int width = i > digits ? Integer.parseInt(format.substring(digits, i)) : 0;
      if (out.length() > budget.limits().stringChars()) {
        budget.text(out.length());
      }
      budget.text(width);
      String field = i < format.length() ? field(budget, t, format.charAt(i++), flag, width) : "";
      if (field.isEmpty() && (i > format.length() || "Zz".indexOf(format.charAt(i - 1)) < 0)) {
        out.append(format, from, i);
      } else {
        out.append(field);
      }
    }
    budget.text(out.length());
    return out.toString();
  }

  private static String field(Budget budget, LocalDateTime t, char code, char flag, int width) {
    return switch (code) {
      case 'Y' -> number(t.getYear(), 1, flag, '0', width);
      case 'C' -> number(t.getYear() / 100, 2, flag, '0', width);
      case 'y' -> number(t.getYear() % 100, 2, flag, '0', width);
      case 'G' -> number(t.get(IsoFields.WEEK_BASED_YEAR), 1, flag, '0', width);
      case 'g' -> number(t.get(IsoFields.WEEK_BASED_YEAR) % 100, 2, flag, '0', width);
      case 'm' -> number(t.getMonthValue(), 2, flag, '0', width);
      case 'd' -> number(t.getDayOfMonth(), 2, flag, '0', width);
      case 'e' -> number(t.getDayOfMonth(), 2, flag, ' ', width);
      case 'H' -> number(t.getHour(), 2, flag, '0', width);
      case 'k' -> number(t.getHour(), 2, flag, ' ', width);
      case 'I' -> number((t.getHour() + 11) % 12 + 1, 2, flag, '0', width);
      case 'l' -> number((t.getHour() + 11) % 12 + 1, 2, flag, ' ', width);
      case 'M' -> number(t.getMinute(), 2, flag, '0', width);
      case 'S' -> number(t.getSecond(), 2, flag, '0', width);
      case 'j' -> number(t.getDayOfYear(), 3, flag, '0', width);
      case 'U' -> number(week(t, t.getDayOfWeek().getValue() % 7), 2, flag, '0', width);
      case 'W' -> number(week(t, t.getDayOfWeek().getValue() - 1), 2, flag, '0', width);
      case 'V' -> number(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2, flag, '0', width);
      case 'u' -> number(t.getDayOfWeek().getValue(), 1, flag, '0', width);
      case 'w' -> number(t.getDayOfWeek().getValue() % 7, 1, flag, '0', width);
      case 'f' -> Escapes.padded(Long.toString(t.getNano() / 1_000), 6);
      case 's' -> Long.toString(t.toEpochSecond(java.time.ZoneOffset.UTC));
      case 'B' -> name(t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH), flag, width);
      case 'b', 'h' ->
          name(
              t.getMonth().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3),
              flag,
              width);
      case 'A' ->
          name(t.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH), flag, width);
      case 'a' ->
          name(
              t.getDayOfWeek().getDisplayName(TextStyle.FULL, Locale.ENGLISH).substring(0, 3),
              flag,
              width);
      case 'p' ->
          name(
              flag == '#' ? halfDay(t).toLowerCase(Locale.ROOT) : halfDay(t),
              flag == '#' ? 0 : flag,
              width);
      case 'P' -> name(halfDay(t).toLowerCase(Locale.ROOT), flag, width);
      case 'c' -> format(budget, t, "%a %b %e %H:%M:%S %Y");
      case 'x', 'D' -> format(budget, t, "%m/%d/%y");
      case 'X', 'T' -> format(budget, t, "%H:%M:%S");
      case 'R' -> format(budget, t, "%H:%M");
      case 'r' -> format(budget, t, "%I:%M:%S %p");
      case 'F' -> format(budget, t, "%Y-%m-%d");
      case 'n' -> "\n";
      case 't' -> "\t";
      case '%' -> "%";
      default -> "";
    };
  }

  private static String halfDay(LocalDateTime t) {
    return t.getHour() < 12 ? "AM" : "PM";
  }

  private static int week(LocalDateTime t, int daysSinceWeekStart) {
    long day = ChronoUnit.DAYS.between(t.toLocalDate().withDayOfYear(1), t.toLocalDate());
    return (int) (day + 7 - daysSinceWeekStart) / 7;
  }

  private static String number(int value, int digits, char flag, char pad, int width) {
    String text = Integer.toString(value);
    if (flag == '-') {
      return text;
    }
    char fill = flag == '_' ? ' ' : flag == '0' ? '0' : pad;
    int wanted = Math.max(digits, width);
    return String.valueOf(fill).repeat(Math.max(0, wanted - text.length())) + text;
  }

  private static String name(String name, char flag, int width) {
    String text = flag == '^' || flag == '#' ? name.toUpperCase(Locale.ROOT) : name;
    return (flag == '0' ? "0" : " ").repeat(Math.max(0, width - text.length())) + text;
  }
}
