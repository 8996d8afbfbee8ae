//! `nsx graph`: a lab as a picture.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use super::run::read;
use super::{Complaints, complain_of, lab_name};
use crate::cli::Graph;
use crate::draw::{self, Format};
use crate::error::{Kind, Problem, Result};
use crate::lab;
use crate::ops::World;
use crate::sandbox;
use crate::script::{self, End, Lab};
use crate::terminal::{self, columns};

/// Draws a lab; the exit status.
pub fn graph(options: &Graph) -> u8 {
    let drawn = match (&options.lab, &options.file) {
        (Some(name), _) => running(name, options),
        (None, Some(file)) => of_script(file, options),
        (None, None) => unreachable!("clap wants one of them"),
    };
    drawn.unwrap_or_else(complain_of)
}

fn running(name: &str, options: &Graph) -> Result<u8> {
    let running = lab::find(&lab::folders()?, &lab_name(name)?)?;
    let mut picture = Picture::new(options)?;
    let mut draw = || {
        let drawn = World::new().and_then(|world| picture.draw(&world));
        drawn.map_or_else(complain_of, |()| 0)
    };
    if running.state.is_machine {
        return Ok(draw());
    }
    sandbox::join(&running, draw)
}

fn of_script(file: &Path, options: &Graph) -> Result<u8> {
    let (name, text, folder) = read(file)?;
    let mut picture = Picture::new(options)?;
    let complaints = Complaints::new(false);
    let inside = || {
        script::confine();
        let mut lab = match Lab::new(folder, Box::new(|_| Ok(())), None) {
            Ok(lab) => lab,
            Err(problem) => return complain_of(problem),
        };
        lab.set_arguments(&options.args);
        let status = match lab.evaluate(&name, &text) {
            Ok(_) => 0,
            Err(End::Done(status)) => status,
            Err(End::Failed(report)) => complaints.draw(&report),
        };
        let drawn = picture.draw(lab.world()).map_or_else(complain_of, |()| 0);
        let left = lab.leave(&name);
        let left = left.iter().map(|report| complaints.draw(report));
        let statuses = [status, drawn].into_iter().chain(left.collect::<Vec<_>>());
        statuses.into_iter().find(|status| *status != 0).unwrap_or(0)
    };
    sandbox::run(inside)
}

/// Where a picture goes, and in which form.
struct Picture {
    format: Format,
    /// The file, opened before the sandbox, which has folders of its own; without it, standard output.
    file: Option<(File, String)>,
}

impl Picture {
    fn new(options: &Graph) -> Result<Picture> {
        let name = options.output.as_ref().map(|path| path.display().to_string());
        let by_name = || name.as_deref().and_then(Format::of_file);
        let format = options.format.or_else(by_name).unwrap_or_else(Format::for_terminal);
        if format == Format::Png && name.is_none() && io::stdout().is_terminal() {
            return Err(Problem::new(Kind::Usage, "a PNG is nothing for a terminal").help("give it a file: -o lab.png"));
        }
        let Some((path, name)) = options.output.as_ref().zip(name) else {
            return Ok(Picture { format, file: None });
        };
        // What is in it stays until there is something else to write.
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|error| unwritable(&name, &error))?;
        Ok(Picture {
            format,
            file: Some((file, name)),
        })
    }

    fn draw(&mut self, world: &World) -> Result<()> {
        let colour = self.file.is_none() && terminal::is_coloured(&io::stdout());
        let picture = draw::render(world, self.format, columns(), colour)?;
        let Some((file, name)) = &mut self.file else {
            // Nobody to show it to is no reason to fail.
            let _ = io::stdout().lock().write_all(&picture);
            return Ok(());
        };
        // What is no plain file, as a pipe, has no length.
        let _ = file.set_len(0);
        file.write_all(&picture).map_err(|error| unwritable(name, &error))
    }
}

fn unwritable(name: &str, error: &io::Error) -> Box<Problem> {
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or_default().to_lowercase();
    Problem::new(Kind::Usage, format!("cannot write {name}: {why}"))
}
