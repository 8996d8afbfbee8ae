//! Text for a terminal: what comes from outside is escaped, measured in columns, clipped and wrapped.

use std::borrow::Cow;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` with everything that could move the cursor, colour the screen or reorder what is read shown as an
/// escape instead: control characters (newline and tab excepted), bidirectional and invisible format characters.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        push_escaped(&mut out, c);
    }
    Cow::Owned(out)
}

/// [`escaped`], and on one line: a newline and a tab become `\n` and `\t`.
pub fn escaped_line(text: &str) -> Cow<'_, str> {
    match escaped(text) {
        safe if safe.contains(['\n', '\t']) => Cow::Owned(safe.replace('\n', "\\n").replace('\t', "\\t")),
        safe => safe,
    }
}

/// Appends `c`, or its escape if it is one of those that [`escaped`] hides.
pub(super) fn push_escaped(out: &mut String, c: char) {
    if !is_hidden(c) {
        out.push(c);
    } else if c.is_ascii() {
        let _ = write!(out, "\\x{:02x}", u32::from(c));
    } else {
        let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
    }
}

/// Whether `c` is shown as an escape. The joiners U+200C and U+200D are not: scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => true,
        '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

/// The columns that `c` takes.
pub(super) fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// The columns that `text` takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `room` columns, with an ellipsis where something was cut off.
pub fn clipped(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += char_width(c);
        if used > room {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    Cow::Owned(out + "…")
}

/// `text` broken between words so that it fits `width` columns, every line after the first indented by `indent`,
/// which is also where the first line starts. A word that is longer than a line is left whole: it can be copied.
pub(super) fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let room = width.saturating_sub(indent).max(1);
    let mut lines = Vec::new();
    for line in text.trim_end().split('\n') {
        wrap_line(&line.replace('\t', "    "), room, &mut lines);
    }
    lines.join(&format!("\n{:indent$}", ""))
}

/// Breaks one line; blanks stay as they are, except where the line breaks.
fn wrap_line(line: &str, room: usize, lines: &mut Vec<String>) {
    let mut current = String::new();
    for word in line.trim_end().split(' ') {
        if !current.trim().is_empty() && width(&current) + width(word) > room {
            lines.push(current.trim_end().to_string());
            current.clear();
        }
        current.push_str(word);
        current.push(' ');
    }
    lines.push(current.trim_end().to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_is_escaped() {
        assert_eq!(escaped("a\x1b[31mb\x07\r\x7f"), r"a\x1b[31mb\x07\x0d\x7f");
        assert_eq!(escaped("\u{9b}x\u{85}"), r"\u{9b}x\u{85}");
        assert_eq!(
            escaped("veth\u{202e}0\u{2066}\u{200f}"),
            r"veth\u{202e}0\u{2066}\u{200f}"
        );
        assert_eq!(escaped("\u{61c}\u{feff}\u{200b}"), r"\u{61c}\u{feff}\u{200b}");
        assert_eq!(escaped("\0"), r"\x00");
    }

    #[test]
    fn what_is_harmless_is_not_copied() {
        for text in ["", "veth0", "a\n\tb", "网络 é 👩‍💻"] {
            assert!(matches!(escaped(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(escaped_line("a\nb\tc\r"), r"a\nb\tc\x0d");
    }

    #[test]
    fn clipping_counts_columns() {
        assert_eq!(clipped("网络空间", 8), "网络空间");
        assert_eq!(clipped("网络空间", 7), "网络空…");
        assert_eq!(clipped("abcdef", 4), "abc…");
    }

    #[test]
    fn wrapping_keeps_words_and_newlines() {
        assert_eq!(wrapped("one two three", 2, 10), "one two\n  three");
        assert_eq!(wrapped("a_very_long_word b", 2, 10), "a_very_long_word\n  b");
        assert_eq!(wrapped("first\n    code  here\n", 1, 40), "first\n     code  here");
    }
}
