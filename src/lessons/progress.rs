//! How far somebody came, kept from one day to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde::{Deserialize, Serialize};

use super::lesson::Lesson;
use crate::state;

/// The file's name.
const FILE: &str = "lessons.json";

/// How far somebody came in each lesson. Steps are known by their ids: a lesson may change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress(BTreeMap<String, Record>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    /// The step to go on with.
    at: String,
    /// Those that are done.
    done: BTreeSet<String>,
}

impl Progress {
    /// What was kept. What cannot be read is as if nothing was.
    pub fn load() -> Progress {
        let text = state::folder().and_then(|folder| fs::read_to_string(folder.join(FILE)).ok());
        text.and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default()
    }

    /// Keeps it: whole, or as it was.
    fn save(&self) {
        let Some(folder) = state::folder() else { return };
        let Ok(text) = serde_json::to_string_pretty(self) else {
            return;
        };
        let new = folder.join(format!("{FILE}.{}", std::process::id()));
        // A lesson goes on where nothing can be kept.
        let _ = fs::write(&new, text).and_then(|()| fs::rename(&new, folder.join(FILE)));
    }

    /// Takes over that somebody is at a step of a lesson, and whether it is done. Another session may have kept something since.
    pub fn keep(lesson: &Lesson, step: usize, is_done: bool) {
        let mut progress = Progress::load();
        let record = progress.0.entry(lesson.name.clone()).or_default();
        let id = &lesson.steps[step].id;
        if is_done {
            record.done.insert(id.clone());
        }
        record.at.clone_from(id);
        progress.save();
    }

    /// The step to go on with: that where somebody was, or the one after it, where it is done. Nothing where all is.
    pub fn at(&self, lesson: &Lesson) -> Option<usize> {
        let record = self.0.get(&lesson.name)?;
        let at = lesson.position(&record.at)?;
        let after = at + usize::from(record.done.contains(&record.at));
        Some(after).filter(|step| *step < lesson.steps.len())
    }

    /// How many of a lesson's steps are done.
    pub fn done(&self, lesson: &Lesson) -> usize {
        let record = self.0.get(&lesson.name);
        let is_done = |id: &str| record.is_some_and(|record| record.done.contains(id));
        lesson.steps.iter().filter(|step| is_done(&step.id)).count()
    }
}
