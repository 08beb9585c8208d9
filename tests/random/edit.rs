//! Random edits: what a programmer does to a source between two builds.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Block, Form, Function, Inline, Kind, Label, Program, Site, Statement};
use crate::rework::{change_inline, extract, is_overloaded, move_function, replace_namesake};
use crate::rng::Rng;

#[derive(Default, Debug)]
pub(crate) struct Edits {
    /// What was done, in words.
    pub log: Vec<String>,
    /// By site, the classes of edits that touched its line, its function or its file.
    pub touched: BTreeMap<Label, BTreeSet<&'static str>>,
    /// Sites for which the README says that they show as gone and new: the function was renamed, or
    /// the call went to another function.
    pub limits: BTreeSet<Label>,
}

pub(crate) const CLASSES: [&str; 20] = [
    "insert-lines",
    "delete-lines",
    "insert-allocation",
    "delete-allocation",
    "replace-allocation",
    "swap-allocations",
    "swap-functions",
    "rename-function",
    "rename-variable",
    "rename-file",
    "rename-directory",
    "move-function",
    "change-size",
    "add-parameter",
    "wrap-in-if",
    "extract-helper",
    "change-inline",
    "split-line",
    "replace-namesake",
    "change-wrapper",
];

const STEMS: [&str; 4] = ["engine", "bridge", "codec", "pool"];
const DIRECTORIES: [&str; 4] = ["wire", "media", "base", "hal"];
const HARD: [&str; 6] = [
    "insert-lines",
    "insert-allocation",
    "delete-allocation",
    "swap-allocations",
    "wrap-in-if",
    "split-line",
];

/// Does up to `wanted` edits; one for which the program has no place is left out.
pub(crate) fn edit(program: &mut Program, rng: &mut Rng, wanted: usize) -> Edits {
    let mut edits = Edits::default();
    for _ in 0..wanted {
        // What changes the list of calls is what is hard: it comes more often.
        let class = if rng.percent(30) {
            *rng.pick(&HARD)
        } else {
            *rng.pick(&CLASSES)
        };
        if let Some((what, labels)) = apply(program, rng, class, &mut edits) {
            edits.log.push(format!("{class}: {what}"));
            for label in labels {
                edits.touched.entry(label).or_default().insert(class);
            }
        }
    }
    edits
}

pub(crate) type Done = Option<(String, Vec<Label>)>;

pub(crate) fn labels(function: &Function) -> Vec<Label> {
    function.sites().iter().map(|site| site.label).collect()
}

fn apply(program: &mut Program, rng: &mut Rng, class: &'static str, edits: &mut Edits) -> Done {
    let file = rng.below(program.files.len());
    let count = program.files[file].functions.len();
    let number = rng.below(count);
    match class {
        "swap-functions" => {
            let other = rng.below(count);
            if other == number {
                return None;
            }
            let functions = &mut program.files[file].functions;
            functions.swap(number, other);
            let mut touched = labels(&functions[number]);
            touched.extend(labels(&functions[other]));
            Some((functions[number].name.clone(), touched))
        }
        "rename-file" => {
            let taken = |name: &str| program.files.iter().any(|f| f.stem == name);
            let name = (*STEMS.iter().find(|name| !taken(name))?).to_owned();
            let name = if rng.percent(50) {
                format!("{}_v2", program.files[file].stem)
            } else {
                name
            };
            let touched = program.files[file]
                .functions
                .iter()
                .flat_map(labels)
                .collect();
            program.files[file].stem = name.clone();
            Some((name, touched))
        }
        "rename-directory" => {
            let old = program.files[file].directory.clone();
            let taken = |name: &str| program.files.iter().any(|f| f.directory == name);
            let new = (*DIRECTORIES.iter().find(|name| !taken(name))?).to_owned();
            let mut touched = Vec::new();
            for file in &mut program.files {
                if file.directory == old {
                    file.directory = new.clone();
                    touched.extend(file.functions.iter().flat_map(labels));
                }
            }
            Some((old, touched))
        }
        "move-function" => move_function(program, rng, file, number),
        "rename-function" => {
            let name = program.fresh_name(rng);
            if is_overloaded(program, file, number) {
                return None;
            }
            let function = &mut program.files[file].functions[number];
            let what = format!("{} -> {name}", function.name);
            function.name = name;
            edits.limits.extend(labels(function));
            Some((what, labels(function)))
        }
        "replace-namesake" => replace_namesake(program, rng, file, number),
        "insert-allocation" => {
            let site = program.site(rng);
            let short = program.short_site(rng);
            let function = &mut program.files[file].functions[number];
            insert_site(function, rng, site, short);
            Some((function.name.clone(), labels(function)))
        }
        "extract-helper" => extract(program, rng, file, number, edits),
        "change-wrapper" => {
            if rng.percent(50) {
                program.wrapper_comment += 2;
            } else {
                program.wrapper_inline = match program.wrapper_inline {
                    Inline::Never => Inline::No,
                    _ => Inline::Never,
                };
            }
            let wrapped = |site: &&Site| site.kind == Kind::Wrapped;
            let sites = program.functions().flat_map(Function::sites);
            Some((
                String::new(),
                sites.filter(wrapped).map(|s| s.label).collect(),
            ))
        }
        "change-inline" => change_inline(program, rng, file, number),
        "replace-allocation" => {
            let fresh = program.labels;
            let size = if rng.percent(50) {
                Some(Program::size(rng))
            } else {
                None
            };
            let function = &mut program.files[file].functions[number];
            let mut sites = function.sites_mut();
            if sites.is_empty() {
                return None;
            }
            let at = rng.below(sites.len());
            sites[at].label = fresh;
            if let Some(size) = size {
                sites[at].size = size;
            }
            program.labels += 1;
            let function = &program.files[file].functions[number];
            Some((function.name.clone(), labels(function)))
        }
        _ => {
            let function = &mut program.files[file].functions[number];
            let before = labels(function);
            let what = within(function, rng, class)?;
            let mut touched = labels(function);
            touched.extend(before);
            Some((format!("{}: {what}", function.name), touched))
        }
    }
}

/// Edits that concern one function alone.
fn within(function: &mut Function, rng: &mut Rng, class: &'static str) -> Option<String> {
    let length = function.body.len();
    match class {
        "insert-lines" => {
            let lines = rng.between(1, 5);
            if rng.percent(30) {
                function.above += lines;
            } else {
                let at = rng.below(length + 1);
                for _ in 0..lines {
                    let line = if rng.percent(50) {
                        Statement::Comment(rng.below(1000))
                    } else {
                        Statement::Work(rng.below(1000))
                    };
                    function.body.insert(at, line);
                }
            }
            Some(format!("{lines} lines"))
        }
        "delete-lines" => {
            let is_line = |s: &Statement| matches!(s, Statement::Comment(_) | Statement::Work(_));
            if let Some(at) = function.body.iter().position(is_line) {
                function.body.remove(at);
            } else if function.above > 0 {
                function.above = 0;
            } else {
                return None;
            }
            Some(String::new())
        }
        "delete-allocation" => {
            let sites = labels(function);
            if sites.len() < 2 {
                return None;
            }
            let gone = *rng.pick(&sites);
            remove(&mut function.body, gone);
            Some(format!("site {gone}"))
        }
        "swap-allocations" => {
            let mut sites = function.sites_mut();
            if sites.len() < 2 {
                return None;
            }
            let one = rng.below(sites.len() - 1);
            let other = rng.between(one + 1, sites.len() - 1);
            // What is on the lines changes places; how the lines are written does not.
            let (a, b) = (sites[one].clone(), sites[other].clone());
            let forms = (a.form, b.form);
            *sites[one] = Site { form: forms.0, ..b };
            *sites[other] = Site { form: forms.1, ..a };
            Some(format!(
                "sites {} and {}",
                sites[other].label, sites[one].label
            ))
        }
        "rename-variable" => {
            function.variable = format!("{}x", function.variable);
            Some(function.variable.clone())
        }
        "change-size" => {
            let mut sites = function.sites_mut();
            if sites.is_empty() {
                return None;
            }
            let at = rng.below(sites.len());
            sites[at].size = Program::size(rng);
            Some(format!("site {}", sites[at].label))
        }
        "add-parameter" => {
            function.parameters.push("int");
            Some(String::new())
        }
        "wrap-in-if" => {
            let at = (0..length)
                .filter(|i| matches!(&function.body[*i], Statement::Sites(s) if s.iter().all(|s| s.form != Form::Variable)))
                .nth(rng.below(length))?;
            let statement = function.body.remove(at);
            let wrapped = Statement::Block {
                kind: *rng.pick(&[Block::If, Block::IfElse, Block::Switch]),
                body: vec![statement],
            };
            function.body.insert(at, wrapped);
            Some(String::new())
        }
        "split-line" => {
            // Two on a line get a line each, or the arguments of one a line of their own.
            for at in 0..length {
                if let Statement::Sites(sites) = &function.body[at]
                    && sites.len() > 1
                {
                    let sites = sites.clone();
                    let each = sites.into_iter().map(|site| Statement::Sites(vec![site]));
                    function.body.splice(at..=at, each);
                    return Some("a line each".to_owned());
                }
            }
            let mut sites = function.sites_mut();
            let site = sites.iter_mut().find(|site| {
                site.form == Form::Plain && !matches!(site.kind, Kind::Vector | Kind::List)
            })?;
            site.form = Form::Split;
            Some(format!("site {}", site.label))
        }
        _ => unreachable!("{class}"),
    }
}

fn remove(body: &mut Vec<Statement>, label: Label) {
    for statement in body.iter_mut() {
        match statement {
            Statement::Sites(sites) => sites.retain(|site| site.label != label),
            Statement::Block { body, .. } => remove(body, label),
            _ => {}
        }
    }
    body.retain(|statement| !matches!(statement, Statement::Sites(sites) if sites.is_empty()));
}

/// Puts a site on a line of its own, or on the line of another.
fn insert_site(function: &mut Function, rng: &mut Rng, site: Site, short: Site) {
    let at = rng.below(function.body.len() + 1);
    if rng.percent(25)
        && let Some(Statement::Sites(sites)) = function.body.get_mut(at)
        && sites.iter().all(|site| site.form == Form::Plain)
    {
        let at = rng.below(sites.len() + 1);
        sites.insert(at, short);
    } else {
        function.body.insert(at, Statement::Sites(vec![site]));
    }
}
