//! A report of tests in JUnit's XML, as CI systems read it.

use std::fmt::Write;
use std::time::Duration;

use crate::xml::escaped;

/// One test, as the report has it.
pub(super) struct Case<'a> {
    /// Its name.
    pub name: &'a str,
    /// How long it took.
    pub took: Duration,
    /// What it wrote on standard output.
    pub output: &'a str,
    /// Where it failed: a line that says so, and its drawing.
    pub failure: Option<(&'a str, &'a str)>,
}

/// The whole report.
pub(super) fn report(cases: &[Case<'_>], took: Duration) -> String {
    let failures = cases.iter().filter(|case| case.failure.is_some()).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\"", cases.len());
    let time = took.as_secs_f64();
    let _ = writeln!(xml, "<testsuites name=\"nsx\" {counts} time=\"{time:.3}\">");
    let _ = writeln!(xml, "  <testsuite name=\"nsx\" {counts} time=\"{time:.3}\">");
    for case in cases {
        let time = case.took.as_secs_f64();
        let _ = writeln!(
            xml,
            "    <testcase name=\"{}\" classname=\"nsx\" time=\"{time:.3}\">",
            escaped(case.name)
        );
        if let Some((message, drawing)) = case.failure {
            let _ = writeln!(
                xml,
                "      <failure message=\"{}\">{}</failure>",
                escaped(message),
                escaped(drawing)
            );
        }
        if !case.output.is_empty() {
            let _ = writeln!(xml, "      <system-out>{}</system-out>", escaped(case.output));
        }
        xml.push_str("    </testcase>\n");
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_script_printed_cannot_break_the_report() {
        let case = Case {
            name: "a<b>.rhai",
            took: Duration::from_millis(1500),
            output: "]]> & \u{1b}[31m \u{0}",
            failure: Some(("\"no\"", "<x>")),
        };
        let xml = report(&[case], Duration::from_secs(2));
        assert!(
            xml.contains("name=\"a&lt;b&gt;.rhai\" classname=\"nsx\" time=\"1.500\""),
            "{xml}"
        );
        assert!(
            xml.contains("<failure message=\"&quot;no&quot;\">&lt;x&gt;</failure>"),
            "{xml}"
        );
        assert!(
            xml.contains("<system-out>]]&gt; &amp; \u{fffd}[31m \u{fffd}</system-out>"),
            "{xml}"
        );
        assert!(xml.contains("tests=\"1\" failures=\"1\""), "{xml}");
    }
}
