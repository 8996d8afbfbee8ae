//! `nsx lesson test`: what lessons say is tried, each step by an nsx of its own, several at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::test::{self, Subject};
use super::{Complaints, complain_of};
use crate::cli;
use crate::diagnostics::Report;
use crate::error::{Kind, Problem, Result, nearest};
use crate::lessons::{self, Course, Trial, is_lesson};
use crate::sandbox;
use crate::script::{self, Folder};

/// Carries out what is to be done with lessons; the exit status.
pub fn lesson(options: &cli::Lesson) -> u8 {
    let cli::LessonCommand::Test(options) = &options.command;
    if let Some(step) = &options.step {
        return prove(&options.paths, step).unwrap_or_else(|report| Complaints::new(false).draw(&report));
    }
    // Most of a lesson is waiting for answers that do not come.
    let jobs = options.jobs.unwrap_or_else(|| test::processors().saturating_mul(3));
    let all = shipped_or_found(&options.paths)
        .and_then(|subjects| test::run(&subjects, Some(jobs), options.junit.as_deref()));
    all.unwrap_or_else(complain_of)
}

fn shipped_or_found(paths: &[PathBuf]) -> Result<Vec<Subject>> {
    let named = |path: &PathBuf| Some(path.to_string_lossy().into_owned()).filter(|_| !path.exists());
    if let Some(words) = paths.iter().map(named).collect::<Option<Vec<String>>>() {
        let course = Course::shipped().map_err(|report| report.problem)?;
        return Ok(of_course(&[], &course.only(&words)?));
    }
    let found = test::files(paths, is_lesson)?;
    match found.is_empty() {
        true => Err(Problem::new(Kind::Usage, "there is no lesson to test")
            .help("lessons are files such as en/2-veth.md, in a folder that is named for their language")),
        false => Ok(subjects(&found)),
    }
}

/// The steps of these lessons, one test each. Files of one name in folders side by side are one lesson in several languages. A
/// lesson that cannot be read is a test that fails.
pub(super) fn subjects(files: &[PathBuf]) -> Vec<Subject> {
    let mut lessons: BTreeMap<(PathBuf, OsString), Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        let course = file.parent().and_then(Path::parent).unwrap_or(Path::new(""));
        let name = file.file_name().unwrap_or_default().to_os_string();
        lessons
            .entry((course.to_path_buf(), name))
            .or_default()
            .push(file.clone());
    }
    let of_lesson = |files: &Vec<PathBuf>| match Course::open(files) {
        Ok(course) => of_course(files, &course),
        Err(_) => vec![subject(files, "")],
    };
    lessons.values().flat_map(of_lesson).collect()
}

fn of_course(files: &[PathBuf], course: &Course) -> Vec<Subject> {
    let of_lesson = |languages: &Vec<lessons::Lesson>| {
        let shipped = [PathBuf::from(&languages[0].name)];
        let files = if files.is_empty() { &shipped } else { files };
        if lessons::compare(languages).is_err() {
            return vec![subject(files, "")];
        }
        let steps = languages[0].steps.iter();
        steps.map(|step| subject(files, &step.id)).collect::<Vec<_>>()
    };
    course.lessons().iter().flat_map(of_lesson).collect()
}

fn subject(files: &[PathBuf], step: &str) -> Subject {
    let mut arguments: Vec<OsString> = ["lesson", "test", "--step", step].map(OsString::from).into();
    arguments.push("--".into());
    arguments.extend(files.iter().map(OsString::from));
    let others = files.len().saturating_sub(1);
    let first = files.first().map(|file| file.display().to_string()).unwrap_or_default();
    let more = if others > 0 {
        format!(" and {others} more")
    } else {
        String::new()
    };
    let hash = if step.is_empty() { "" } else { "#" };
    Subject {
        name: format!("{first}{hash}{step}{more}"),
        arguments,
    }
}

/// Proves a step of one lesson, each trial in a sandbox of its own.
fn prove(paths: &[PathBuf], id: &str) -> Result<u8, Box<Report>> {
    let course = match paths.iter().all(|path| path.exists()) && !paths.is_empty() {
        true => Course::open(paths)?,
        false => Course::shipped()?,
    };
    let one = match paths {
        [word] if !word.exists() => course.find(&word.to_string_lossy()).map_err(Report::from)?,
        _ => match course.lessons() {
            [one] => one,
            _ => {
                let problem = Problem::new(Kind::Usage, "--step is of one lesson");
                return Err(Report::from(problem.help("name the lesson, or its files")).into());
            }
        },
    };
    lessons::compare(one)?;
    let languages: Vec<&lessons::Lesson> = one.iter().collect();
    let Some(step) = languages[0].position(id) else {
        let problem = Problem::new(Kind::Usage, format!("{} has no step `{id}`", languages[0].file));
        let near = nearest(id, languages[0].steps.iter().map(|step| step.id.as_str()));
        return Err(Report::from(match near {
            Some(near) => problem.help(format!("did you mean `{near}`?")),
            None => problem,
        })
        .into());
    };
    let mut worst = 0;
    for trial in lessons::trials(&languages[0].steps[step]) {
        worst = worst.max(in_sandbox(&languages, step, trial)?);
    }
    Ok(worst)
}

fn in_sandbox(languages: &[&lessons::Lesson], step: usize, trial: Trial) -> Result<u8, Box<Report>> {
    let folder = Path::new(&languages[0].file).parent().filter(|folder| folder.exists());
    let folder = Folder::open(folder.unwrap_or(Path::new("")))
        .map_err(|e| Report::from(Problem::system("open the lesson's folder", e)))?;
    let inside = || {
        script::confine();
        let proven = lessons::prove(languages, step, trial, folder);
        proven.map_or_else(|report| Complaints::new(false).draw(&report), |()| 0)
    };
    sandbox::run(inside).map_err(|problem| Report::from(problem).into())
}
