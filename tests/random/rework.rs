//! Edits that concern more than one function, or what the compiler makes of one.

use crate::edit::{Done, Edits, labels};
use crate::model::{Inline, Program, Statement};
use crate::rng::Rng;

pub(crate) fn is_overloaded(program: &Program, file: usize, number: usize) -> bool {
    let functions = &program.files[file].functions;
    let name = &functions[number].name;
    functions.iter().filter(|f| f.name == *name).count() > 1
}

/// Another file gets a function that calls no static one and is called by none of its file.
pub(crate) fn move_function(
    program: &mut Program,
    rng: &mut Rng,
    file: usize,
    number: usize,
) -> Done {
    let to = rng.below(program.files.len());
    let function = &program.files[file].functions[number];
    if to == file
        || function.is_static
        || function.has_calls()
        || program.files[file].functions.len() < 2
        || program.files[to].shared != program.files[file].shared
    {
        return None;
    }
    let function = program.files[file].functions.remove(number);
    let touched = labels(&function);
    let what = format!("{} to {}", function.name, program.files[to].stem);
    let functions = &mut program.files[to].functions;
    let at = rng.below(functions.len() + 1);
    functions.insert(at, function);
    Some((what, touched))
}

/// A static function goes, and one of the same name that does something else comes to another file.
pub(crate) fn replace_namesake(
    program: &mut Program,
    rng: &mut Rng,
    file: usize,
    number: usize,
) -> Done {
    let function = program.files[file].functions[number].clone();
    let to = rng.below(program.files.len());
    if !function.is_static
        || program.cxx
        || function.has_calls()
        || to == file
        || program.files[to]
            .functions
            .iter()
            .any(|f| f.name == function.name)
    {
        return None;
    }
    let caller = program.files[to]
        .functions
        .iter()
        .position(|f| !f.is_static)?;
    let mut gone = labels(&function);
    let functions = &mut program.files[file].functions;
    functions.remove(number);
    for other in functions.iter_mut() {
        other
            .body
            .retain(|s| !matches!(s, Statement::Call { function: id, .. } if *id == function.id));
    }
    let mut fresh = program.function(rng, true);
    fresh.name = function.name.clone();
    gone.extend(labels(&fresh));
    let call = Statement::Call {
        function: fresh.id,
        of: fresh.parameters[0],
    };
    let functions = &mut program.files[to].functions;
    functions[caller].body.push(call);
    functions.insert(0, fresh);
    Some((
        format!("{} now in {}", function.name, program.files[to].stem),
        gone,
    ))
}

/// Some lines of a function become a new function, which it calls.
pub(crate) fn extract(
    program: &mut Program,
    rng: &mut Rng,
    file: usize,
    number: usize,
    edits: &mut Edits,
) -> Done {
    let mut helper = program.function(rng, true);
    helper.name = format!("{}_helper", helper.name);
    let function = &mut program.files[file].functions[number];
    if function.template || function.lambda {
        return None;
    }
    let from = rng.below(function.body.len());
    let to = rng.between(from, (from + 2).min(function.body.len() - 1));
    let call = Statement::Call {
        function: helper.id,
        of: helper.parameters[0],
    };
    let touched = labels(function);
    helper.body = function.body.splice(from..=to, [call]).collect();
    edits.limits.extend(labels(&helper));
    let what = format!("{} from {}", helper.name, function.name);
    program.files[file].functions.insert(number, helper);
    Some((what, touched))
}

pub(crate) fn change_inline(
    program: &mut Program,
    rng: &mut Rng,
    file: usize,
    number: usize,
) -> Done {
    let name = program.files[file].functions[number].name.clone();
    let alone = program.functions().filter(|f| f.name == name).count() == 1;
    let function = &mut program.files[file].functions[number];
    let what;
    if function.is_static && !function.template && alone && rng.percent(30) {
        // Main calls every function that is not static; it is called from its own file only.
        function.is_static = false;
        function.inline = Inline::No;
        what = "not static any more";
    } else if function.is_static {
        function.inline = match function.inline {
            Inline::No | Inline::Hint => *rng.pick(&[Inline::Always, Inline::Never]),
            Inline::Always | Inline::Never => *rng.pick(&[Inline::No, Inline::Hint]),
        };
        what = "inline";
    } else {
        function.inline = match function.inline {
            Inline::Never => Inline::No,
            _ => Inline::Never,
        };
        what = "noinline";
    }
    Some((format!("{name}: {what}"), labels(function)))
}
