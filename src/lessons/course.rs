//! What there is to learn: lessons, each in one or more languages.

use std::fs;
use std::path::Path;

use super::lesson::{Lesson, places};
use super::parse::numbered;
use super::{Lang, read};
use crate::diagnostics::Report;
use crate::error::{Kind, Problem, nearest};

/// A result whose error has its place in a lesson.
type Result<T> = std::result::Result<T, Box<Report>>;

macro_rules! shipped {
    ($($lesson:literal),* $(,)?) => {
        /// The lessons in the binary: a path, and the text.
        const SHIPPED: &[(&str, &str)] = &[$(
            (concat!("lessons/en/", $lesson, ".md"), include_str!(concat!("../../lessons/en/", $lesson, ".md"))),
            (concat!("lessons/zh-CN/", $lesson, ".md"), include_str!(concat!("../../lessons/zh-CN/", $lesson, ".md"))),
        )*];
    };
}

shipped![
    "1-namespaces",
    "2-veth",
    "3-bridge",
    "4-forward",
    "5-nat",
    "6-docker",
    "7-ports",
    "8-overlay",
    "9-routed"
];

/// Lessons in their order, each in the languages that there are of it.
#[derive(Clone, Debug, Default)]
pub struct Course {
    lessons: Vec<Vec<Lesson>>,
}

/// Whether a file of a folder is a lesson, by its path: `zh-CN/2-veth.md`.
pub fn is_lesson(path: &Path) -> bool {
    let name = |path: &Path| path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let folder = path.parent().and_then(|folder| folder.file_name()).unwrap_or_default();
    path.extension().is_some_and(|extension| extension == "md")
        && Lang::folder(&folder.to_string_lossy()).is_some()
        && name(path).is_some_and(|stem| numbered(&stem).is_some())
}

impl Course {
    /// The course that nsx has.
    pub fn shipped() -> Result<Course> {
        let read = SHIPPED.iter().map(|(file, text)| read(file, text));
        Ok(Course::of(read.collect::<Result<_>>()?))
    }

    /// The lessons of these files.
    pub fn open(files: &[impl AsRef<Path>]) -> Result<Course> {
        let open = |file: &Path| {
            let text = fs::read_to_string(file).map_err(|error| {
                let why = error.to_string();
                let why = why.split(" (os error").next().unwrap_or_default().to_lowercase();
                Report::from(Problem::new(
                    Kind::Usage,
                    format!("cannot read {}: {why}", file.display()),
                ))
            })?;
            read(&file.display().to_string(), &text)
        };
        Ok(Course::of(
            files.iter().map(|file| open(file.as_ref())).collect::<Result<_>>()?,
        ))
    }

    fn of(read: Vec<Lesson>) -> Course {
        let mut lessons: Vec<Vec<Lesson>> = Vec::new();
        for lesson in read {
            match lessons.iter_mut().find(|group| group[0].name == lesson.name) {
                Some(group) => group.push(lesson),
                None => lessons.push(vec![lesson]),
            }
        }
        for group in &mut lessons {
            group.sort_by_key(|lesson| lesson.lang);
        }
        lessons.sort_by_key(|group| group[0].number);
        Course { lessons }
    }

    /// The lessons, each in its languages.
    pub fn lessons(&self) -> &[Vec<Lesson>] {
        &self.lessons
    }

    /// The lesson that somebody means: `veth`, `2`, `2-veth`.
    pub fn find(&self, word: &str) -> std::result::Result<&[Lesson], Box<Problem>> {
        let is_meant = |lesson: &Lesson| {
            let number = lesson.number.to_string();
            [&lesson.name, &number, &format!("{number}-{}", lesson.name)].contains(&&word.to_string())
        };
        if let Some(group) = self.lessons.iter().find(|group| is_meant(&group[0])) {
            return Ok(group);
        }
        let problem = Problem::new(Kind::Usage, format!("there is no lesson `{word}`"));
        Err(
            match nearest(word, self.lessons.iter().map(|group| group[0].name.as_str())) {
                Some(near) => problem.help(format!("did you mean `{near}`?")),
                None => problem.help("`nsx learn` lists them"),
            },
        )
    }

    /// Those that somebody means; without a word, all of them.
    pub fn only(self, words: &[String]) -> std::result::Result<Course, Box<Problem>> {
        if words.is_empty() {
            return Ok(self);
        }
        let meant = words.iter().map(|word| self.find(word).map(<[Lesson]>::to_vec));
        Ok(Course {
            lessons: meant.collect::<std::result::Result<_, _>>()?,
        })
    }

    /// The lesson after this one.
    pub fn after(&self, lesson: &Lesson) -> Option<&[Lesson]> {
        let index = self.lessons.iter().position(|group| group[0].name == lesson.name)?;
        self.lessons.get(index + 1).map(Vec::as_slice)
    }
}

/// One of the languages of a lesson: that which is asked for, or else the first.
pub fn in_lang(languages: &[Lesson], lang: Lang) -> &Lesson {
    languages
        .iter()
        .find(|lesson| lesson.lang == lang)
        .unwrap_or(&languages[0])
}

/// Whether the languages of a lesson differ in nothing but their prose.
pub fn compare(languages: &[Lesson]) -> Result<()> {
    let Some((first, others)) = languages.split_first() else {
        return Ok(());
    };
    others.iter().try_for_each(|other| same(first, other))
}

fn same(one: &Lesson, other: &Lesson) -> Result<()> {
    let help = "only the prose is another one in another language";
    if let Some(lines) = differ(
        one.setup.as_ref().into_iter().collect(),
        other.setup.as_ref().into_iter().collect(),
    ) {
        return Err(different(one, other, lines));
    }
    for index in 0..one.steps.len().max(other.steps.len()) {
        let (step, twin) = match (one.steps.get(index), other.steps.get(index)) {
            (Some(step), Some(twin)) if step.id == twin.id => (step, twin),
            (Some(step), twin) => {
                let message = format!("the step `{}` of {} should stand here", step.id, one.file);
                let line = twin.or(other.steps.last()).map_or(1, |step| step.line);
                return Err(other.miswritten(line, message, help));
            }
            (None, Some(twin)) => {
                let message = format!("{} has no step `{}`", one.file, twin.id);
                return Err(other.miswritten(twin.line, message, help));
            }
            (None, None) => break,
        };
        if let Some(lines) = differ(step.blocks(), twin.blocks()) {
            let lines = (lines.0.or(Some(step.line)), lines.1.or(Some(twin.line)));
            return Err(different(one, other, lines));
        }
        let named = |step: &super::Step| {
            let mut names: Vec<(String, Vec<String>)> = Vec::new();
            for (name, words) in &step.words {
                let mut places: Vec<String> = places(words).into_iter().map(String::from).collect();
                places.sort();
                places.dedup();
                names.push((name.clone(), places));
            }
            names.sort();
            names
        };
        if named(step) != named(twin) {
            let line = twin.hint.as_ref().map_or(twin.line, |block| block.line - 1);
            let message = format!("the words of the hints are not for those of {}", one.file);
            return Err(other.miswritten(line, message, "each has the same name and the same {values} there"));
        }
    }
    Ok(())
}

/// The lines, in each of them, where the code of two languages differs.
fn differ(one: Vec<&super::Block>, other: Vec<&super::Block>) -> Option<(Option<usize>, Option<usize>)> {
    for index in 0..one.len().max(other.len()) {
        let (block, twin) = (one.get(index), other.get(index));
        let line = |block: Option<&&super::Block>| block.map(|block| block.line - 1);
        let (Some(here), Some(there)) = (block, twin) else {
            return Some((line(block), line(twin)));
        };
        if here.info != there.info {
            return Some((line(block), line(twin)));
        }
        if here.code != there.code {
            let mut lines = here.code.lines().zip(there.code.lines());
            let ends = here.code.lines().count().min(there.code.lines().count());
            let at = lines.position(|(one, other)| one != other).unwrap_or(ends);
            return Some((Some(here.line + at), Some(there.line + at)));
        }
    }
    None
}

fn different(one: &Lesson, other: &Lesson, lines: (Option<usize>, Option<usize>)) -> Box<Report> {
    let there = lines.0.unwrap_or(1);
    let message = format!("the code differs from that at {}:{there}", one.file);
    let text = one.text.lines().nth(there - 1).unwrap_or_default().trim();
    let help = "only the prose is another one in another language";
    let mut report = other.miswritten(lines.1.unwrap_or(1), message, help);
    report.problem.cause = format!("there it is\n{text}");
    report
}
