//! A report for people.

use std::fmt::{self, Display};

use super::report::{Answer, Negotiation, Report, Stage, Verdict};

/// A report as text; displayed.
#[derive(Clone, Copy, Debug)]
pub struct AsText<'a> {
    report: &'a Report,
    /// Whether it says how long each stage took.
    is_timed: bool,
}

impl Report {
    /// The report for people, without how long each stage took.
    pub const fn to_text(&self) -> AsText<'_> {
        AsText { report: self, is_timed: false }
    }

    /// The report for people.
    pub const fn to_timed_text(&self) -> AsText<'_> {
        AsText { report: self, is_timed: true }
    }
}

impl Display for AsText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        if let Some(negotiation) = &report.negotiation {
            write!(f, "{negotiation}")?;
        }
        if !report.stages.is_empty() {
            writeln!(f)?;
            self.stages(f)?;
        }
        if !report.modifications.is_empty() {
            writeln!(f, "\nmodifications:")?;
            report.modifications.iter().try_for_each(|made| writeln!(f, "  {made}"))?;
        }
        let diff = report.diff();
        if !diff.is_empty() {
            write!(f, "\n{diff}")?;
        }
        if !report.notes.is_empty() {
            writeln!(f)?;
            report.notes.iter().try_for_each(|note| writeln!(f, "note: {note}"))?;
        }
        writeln!(f)?;
        match &report.failure {
            Some(failure) => writeln!(f, "failed at {}: {}", spaced(failure.stage), failure.error),
            None => self.result(f),
        }
    }
}

impl AsText<'_> {
    fn stages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stages = &self.report.stages;
        let width =
            stages.iter().map(|stage| stage.asked.chars().count()).max().unwrap_or_default().clamp(8, 40);
        let time = if self.is_timed { format!("{:>11}  ", "time") } else { String::new() };
        let asked = "the filter is asked";
        let width = width.max(asked.len() - 15);
        writeln!(f, "{asked:<w$}  {time}{:<17}  the client hears", "it answers", w = width + 16)?;
        for stage in stages {
            let Stage { asked, milliseconds, answer, .. } = stage;
            let name = spaced(stage.stage);
            write!(f, "{name:<14}  {asked:<width$}  ")?;
            if self.is_timed {
                match answer {
                    Answer::LeftOut => write!(f, "{:>11}  ", "")?,
                    _ => write!(f, "{milliseconds:>8.3} ms  ")?,
                }
            }
            let hears = stage.client_hears.as_deref().unwrap_or_default().replace('\n', " | ");
            let line = format!("{:<17}  {hears}", answer.words());
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }

    fn result(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = self.report;
        write!(f, "{}", report.verdict.words())?;
        let after = &report.after;
        if let Some(reason) = after.quarantined() {
            write!(f, ": {}", String::from_utf8_lossy(reason).escape_debug())?;
        }
        let is_kept = matches!(report.verdict, Verdict::Accepted | Verdict::Quarantined);
        match report.modifications.len() {
            0 => {}
            _ if !is_kept => write!(f, ", without the modifications")?,
            1 => write!(f, ", 1 modification")?,
            count => write!(f, ", {count} modifications")?,
        }
        if self.is_timed {
            write!(f, " in {:.3} ms", report.milliseconds)?;
        }
        writeln!(f)
    }
}

impl Display for Negotiation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = |flags: &[String]| flags.iter().map(|flag| in_words(flag)).collect::<Vec<_>>().join(", ");
        let (offered, agreed) = (&self.offered, &self.agreed);
        writeln!(f, "version:  {} (offered: {})", agreed.version, offered.version)?;
        let hears = self.hears.iter().map(|stage| match self.without_reply.contains(stage) {
            true => format!("{} (without reply)", spaced(stage)),
            false => spaced(stage),
        });
        writeln!(f, "hears:    {}", hears.collect::<Vec<_>>().join(", "))?;
        writeln!(f, "may:      {}", or_nothing(words(&agreed.actions)))?;
        let is_ability = |flag: &&String| !flag.starts_with("NO_");
        let abilities: Vec<String> = agreed.protocol.iter().filter(is_ability).cloned().collect();
        if !abilities.is_empty() {
            writeln!(f, "asks for: {}", words(&abilities))?;
        }
        for (stage, names) in &self.macros {
            writeln!(f, "macros:   at {}: {}", spaced(stage), or_nothing(names.join(" ")))?;
        }
        Ok(())
    }
}

/// A flag as people read it.
fn in_words(flag: &str) -> String {
    match flag.starts_with("0x") {
        true => format!("unknown {flag}"),
        false => flag.to_lowercase().replace('_', " "),
    }
}

fn spaced(name: &str) -> String {
    name.replace('_', " ")
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { "nothing".to_owned() } else { text }
}
