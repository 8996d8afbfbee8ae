//! `nsx learn`: what there is to learn, and a lesson in the REPL.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use unicode_width::UnicodeWidthStr;

use super::repl::{again_and_again, here, in_lab};
use super::{Complaints, complain_of, say};
use crate::cli::Learn;
use crate::diagnostics::Report;
use crate::error::{Kind, Problem, Result};
use crate::lessons::{Course, Lang, Lesson, Progress, Style, compare, in_lang};
use crate::repl::{self, At, Begin, Settings, Taught, Why};
use crate::terminal::{columns, is_coloured};

/// Lists the lessons, or opens one; the exit status.
pub fn learn(options: &Learn) -> u8 {
    let lang = match options.lang.as_deref().map(named).transpose() {
        Ok(lang) => lang.unwrap_or_else(Lang::of_environment),
        Err(problem) => return complain_of(problem),
    };
    let done = match &options.lesson {
        None => Course::shipped().map(|course| {
            list(&course, lang);
            0
        }),
        Some(word) => open(word, lang, options.anew),
    };
    done.unwrap_or_else(|report| Complaints::new(false).draw(&report))
}

fn named(tag: &str) -> Result<Lang> {
    Lang::of(tag).ok_or_else(|| {
        let tags = Lang::ALL.map(Lang::tag).join(", ");
        Problem::new(Kind::Usage, format!("there are no lessons in `{tag}`")).help(format!("there are {tags}"))
    })
}

/// The lessons, each with how much of it is done.
fn list(course: &Course, lang: Lang) {
    let progress = Progress::load();
    let style = Style {
        colour: is_coloured(&io::stdout()),
        width: columns() - 1,
    };
    let lessons: Vec<&Lesson> = course
        .lessons()
        .iter()
        .map(|languages| in_lang(languages, lang))
        .collect();
    let widest = |of: fn(&Lesson) -> &str| lessons.iter().map(|lesson| of(lesson).width()).max().unwrap_or(0);
    let (name, title) = (widest(|lesson| &lesson.name), widest(|lesson| &lesson.title));
    say(lang.words().list_head);
    for lesson in &lessons {
        let (done, all) = (progress.done(lesson), lesson.steps.len());
        let mark = if done == all { " ✓" } else { "" };
        say(&format!(
            "\n  {}  {}{}  {}{}  {}",
            lesson.number,
            style.painted("36", &lesson.name),
            " ".repeat(name - lesson.name.width()),
            style.bold(&lesson.title),
            " ".repeat(title - lesson.title.width()),
            style.dim(&format!("{done}/{all}{mark}")),
        ));
        say(&style.paragraph("     ", &lesson.goal));
    }
}

fn open(word: &str, lang: Lang, is_anew: bool) -> Result<u8, Box<Report>> {
    if !io::stdin().is_terminal() {
        let problem = Problem::new(Kind::Usage, "a lesson wants a terminal to be typed in");
        return Err(Report::from(problem.help("`nsx lesson test` proves lessons without one")).into());
    }
    let (course, word) = match Path::new(word) {
        file if file.extension().is_some_and(|extension| extension == "md") => {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            (Course::open(&languages(file))?, stem)
        }
        _ => (Course::shipped()?, word.to_string()),
    };
    let lessons = course.find(&word).map_err(Report::from)?;
    compare(lessons)?;
    let lesson = in_lang(lessons, lang);
    let begun = if is_anew { None } else { Progress::load().at(lesson) };
    let settings = Settings {
        lesson: Some(At {
            step: begun.unwrap_or(0),
            lang: lesson.lang,
            why: Why::Opened,
        }),
        ..Settings::default()
    };
    Ok(again_and_again(settings, |settings| {
        let folder = match here() {
            Ok(folder) => folder,
            Err(problem) => return repl::Ended::Done(complain_of(problem)),
        };
        let taught = Taught {
            languages: lessons.to_vec(),
            next: course.after(&lessons[0]).unwrap_or_default().to_vec(),
        };
        in_lab(None, || repl::live(folder, Begin::Lesson(taught), settings))
    }))
}

/// A lesson's file, and those of the same name in folders of other languages beside it.
fn languages(file: &Path) -> Vec<PathBuf> {
    let folder = file.parent().unwrap_or(Path::new(""));
    let is_lang = folder
        .file_name()
        .is_some_and(|name| Lang::folder(&name.to_string_lossy()).is_some());
    let name = file.file_name().unwrap_or_default();
    let beside = Lang::ALL.map(|lang| folder.join("..").join(lang.tag()).join(name));
    let others = beside
        .into_iter()
        .filter(|other| is_lang && other.is_file() && other.canonicalize().ok() != file.canonicalize().ok());
    std::iter::once(file.to_path_buf()).chain(others).collect()
}
