//! Text as XML has it.

/// Escapes a text for what stands between tags or in a quoted attribute. Characters that XML cannot say at all become the
/// replacement character.
///
/// ```
/// assert_eq!(nsx::xml::escaped("<a b='\u{1b}'>"), "&lt;a b=&#39;\u{fffd}&#39;&gt;");
/// ```
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
