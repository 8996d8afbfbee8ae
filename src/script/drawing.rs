//! `draw`: the lab as a picture.

use rhai::{Dynamic, EvalAltResult};

use super::Shared;
use super::builtins::{Builtin, Form};
use super::printing::write;
use super::troubles::raise;
use super::values::argument;
use crate::draw::{Format, render};
use crate::error::{Part, Problem, Result};
use crate::ops::Value;
use crate::terminal::columns;

pub(super) const DRAW: Builtin = Builtin {
    name: "draw",
    form: Form::Call("[FORM]"),
    gives: "nothing; with a form, text",
    keys: &[],
    doc: "Prints the lab as it is now: a frame for each namespace, in it its devices with their states and addresses, default
routes and rules of NAT. Veth pairs are lines, broken where an end is down; where two lines cross, nothing is joined. `lo` is
shown where it has an address of its own, link-local addresses are not. Of more than 24 namespaces the first are shown, and
those that most is joined to.

With a form it prints nothing and gives the picture as text: `text`, `ascii`, `svg`, `mermaid`, `dot`, or `json`, which has
the facts. The last two have all namespaces.

`nsx graph FILE` draws a script's lab, as PNG too, and `nsx graph --lab LAB` one that stays.

```rhai
let ns0 = netns::add(\"ns0\");
host.link.add(\"veth0\", #{ type: \"veth\", peer: #{ name: \"eth0\", netns: ns0 } });
draw();
assert(draw(\"mermaid\").contains(\"eth0 DOWN\"), \"it is not up yet\");
```",
    register: |engine, lab| {
        let shown = lab.clone();
        engine.register_fn("draw", move || -> Result<(), Box<EvalAltResult>> {
            let picture = picture(&shown, Format::for_terminal())?;
            write(&shown, &picture);
            Ok(())
        });
        let given = lab.clone();
        engine.register_fn("draw", move |form: Dynamic| -> Result<String, Box<EvalAltResult>> {
            let wrong = |why: String| raise(Problem::argument(format!("draw: {why}")).at(Part::Argument(0)));
            let format = match argument(&form) {
                Value::Str(text) => text.parse().map_err(wrong)?,
                other => return Err(wrong(format!("the form wants text such as \"svg\", not {}", other.describe()))),
            };
            if format == Format::Png {
                return Err(wrong("a PNG is no text: `nsx graph FILE -o lab.png` writes one".into()));
            }
            picture(&given, format)
        });
    },
};

fn picture(lab: &Shared, format: Format) -> Result<String, Box<EvalAltResult>> {
    let picture = render(&lab.world, format, columns(), false).map_err(raise)?;
    Ok(String::from_utf8_lossy(&picture).into_owned())
}
