//! The text of a program, and where in it the sites stand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::{
    Block, File, Form, Function, Inline, Kind, Label, Program, Site, Size, Statement, Wrapper,
};

/// Where a site stands, counted from the line of its function.
#[derive(Clone, Copy)]
pub(crate) struct Line {
    pub call: usize,
    /// Where its statement begins.
    pub statement: usize,
}

pub(crate) struct Sources {
    /// Path below the source directory, text, and whether it goes into the shared library.
    pub files: Vec<(String, String, bool)>,
    pub lines: BTreeMap<Label, Line>,
}

/// What all sources include: the functions of the harness's own library (`runtime.c`).
const HEADER: &str = r#"#pragma once
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#ifdef __cplusplus
#include <list>
#include <vector>
extern "C" {
#endif
void keep(int label, void *block);
void stamp(int label);
int dropped(int label);
int times(int label);
int yes(void);
void work(int number);
void *old_block(void);
size_t some_size(void);
const char *text(size_t size);
void enter(int root);
void finish(void);
#ifdef __cplusplus
}
#endif
#define TAKE(size) malloc(size)
"#;

pub(crate) fn render(program: &Program) -> Sources {
    let mut sources = Sources {
        files: Vec::new(),
        lines: BTreeMap::new(),
    };
    let extension = if program.cxx { "cc" } else { "c" };
    let mut header = HEADER.to_owned();
    for function in program.functions().filter(|f| !f.is_static) {
        writeln!(header, "{};", head(function)).unwrap();
    }
    let wrapper = wrapper(program);
    match program.wrapper {
        Wrapper::Header => sources.files.push((
            "alloc.h".to_owned(),
            format!("#pragma once\n#include \"app.h\"\n{wrapper}"),
            false,
        )),
        Wrapper::OwnFile => {
            header.push_str("void *take_memory(size_t size);\n");
            let shared = program.files.iter().any(|f| f.shared);
            sources.files.push((
                format!("alloc.{extension}"),
                format!("#include \"app.h\"\n{wrapper}"),
                shared,
            ));
        }
    }
    sources.files.push(("app.h".to_owned(), header, false));
    let mut text =
        "#include <mcheck.h>\n#include \"app.h\"\n\nint main(void)\n{\n    mtrace();\n".to_owned();
    for function in program.functions().filter(|f| !f.is_static) {
        writeln!(
            text,
            "    for (int i = 0; i < times({}); i++) {{\n        enter({});\n        {};\n    }}",
            root_slot(function.id),
            function.id,
            call(function, function.parameters[0])
        )
        .unwrap();
    }
    text.push_str("    finish();\n    muntrace();\n    return 0;\n}\n");
    sources
        .files
        .push((format!("main.{extension}"), text, false));
    for file in &program.files {
        let path = path(file, extension);
        let text = source(program, file, &mut sources.lines);
        sources.files.push((path, text, file.shared));
    }
    sources
}

/// Where in the table of counts the number of calls of a root stands.
pub(crate) fn root_slot(id: usize) -> usize {
    2000 + id
}

pub(crate) fn path(file: &File, extension: &str) -> String {
    if file.directory.is_empty() {
        format!("{}.{extension}", file.stem)
    } else {
        format!("{}/{}.{extension}", file.directory, file.stem)
    }
}

fn wrapper(program: &Program) -> String {
    let mut text = String::new();
    for number in 0..program.wrapper_comment {
        writeln!(text, "/* note {number} */").unwrap();
    }
    let before = match (program.wrapper, program.wrapper_inline) {
        (Wrapper::Header, Inline::Never) => "__attribute__((noinline, unused)) static ",
        (Wrapper::Header, _) => "__attribute__((unused)) static ",
        _ => "",
    };
    writeln!(
        text,
        "{before}void *take_memory(size_t size)\n{{\n    void *block = malloc(size);\n    if (!block)\n        abort();\n    return block;\n}}"
    )
    .unwrap();
    text
}

fn head(function: &Function) -> String {
    let mut text = String::new();
    if function.template {
        text.push_str("template <class T> ");
    }
    match function.inline {
        Inline::No => {}
        Inline::Hint => text.push_str("inline "),
        Inline::Always => text.push_str("inline __attribute__((always_inline)) "),
        Inline::Never => text.push_str("__attribute__((noinline)) "),
    }
    if function.is_static {
        text.insert_str(if function.template { 19 } else { 0 }, "static ");
    }
    let parameters: Vec<String> = function
        .parameters
        .iter()
        .enumerate()
        .map(|(i, of)| match (i, function.template) {
            (0, true) => format!("T a{i}"),
            _ => format!("{of} a{i}"),
        })
        .collect();
    write!(text, "void {}({})", function.name, parameters.join(", ")).unwrap();
    text
}

fn call(function: &Function, of: &str) -> String {
    let rest: String = (1..function.parameters.len())
        .map(|i| format!(", {i}"))
        .collect();
    format!("{}(({of})1{rest})", function.name)
}

fn source(program: &Program, file: &File, lines: &mut BTreeMap<Label, Line>) -> String {
    let up = if file.directory.is_empty() { "" } else { "../" };
    let mut text = vec![format!("#include \"{up}app.h\"")];
    if program.wrapper == Wrapper::Header {
        text.push(format!("#include \"{up}alloc.h\""));
    }
    text.extend(
        file.functions
            .iter()
            .filter(|f| f.is_static)
            .map(|f| format!("{};", head(f))),
    );
    for function in &file.functions {
        text.push(String::new());
        text.extend((0..function.above).map(|n| format!("/* about {n} */")));
        let start = text.len();
        text.push(head(function));
        text.push("{".to_owned());
        let mut writer = Writer {
            program,
            function,
            start,
            text,
            lines,
        };
        if function.lambda {
            writer.text.push("    auto step = [&](int k) {".to_owned());
            writer.text.push("        work(k);".to_owned());
            writer.body(&function.body, 2);
            writer.text.push("    };".to_owned());
            writer.text.push("    step(1);".to_owned());
        } else {
            writer.body(&function.body, 1);
        }
        text = writer.text;
        text.push("}".to_owned());
    }
    text.push(String::new());
    text.join("\n")
}

struct Writer<'a> {
    program: &'a Program,
    function: &'a Function,
    start: usize,
    text: Vec<String>,
    lines: &'a mut BTreeMap<Label, Line>,
}

impl Writer<'_> {
    fn body(&mut self, body: &[Statement], depth: usize) {
        let indent = "    ".repeat(depth);
        for statement in body {
            match statement {
                Statement::Comment(number) => {
                    self.text.push(format!("{indent}/* remark {number} */"))
                }
                Statement::Work(number) => self.text.push(format!("{indent}work({number});")),
                Statement::Call { function, of } => {
                    let callee = self
                        .program
                        .functions()
                        .find(|f| f.id == *function)
                        .unwrap();
                    self.text.push(format!("{indent}{};", call(callee, of)));
                }
                Statement::Sites(sites) => self.sites(sites, &indent),
                Statement::Block { kind, body } => {
                    let (before, after): (&str, &[&str]) = match kind {
                        Block::If => ("if (yes()) {", &["}"]),
                        Block::IfElse => ("if (yes()) {", &["} else {", "    work(1);", "}"]),
                        Block::Switch => (
                            "switch (yes()) { case 1: {",
                            &["} break;", "default: work(2);", "}"],
                        ),
                        Block::Once => ("do {", &["} while (!yes());"]),
                    };
                    self.text.push(format!("{indent}{before}"));
                    self.body(body, depth + 1);
                    self.text
                        .extend(after.iter().map(|line| format!("{indent}{line}")));
                }
            }
        }
    }

    fn sites(&mut self, sites: &[Site], indent: &str) {
        let mut line = String::new();
        for site in sites {
            let statement = self.text.len() - self.start;
            let at = |call| Line { call, statement };
            self.lines.insert(site.label, at(statement));
            let label = site.label;
            let value = allocation(site);
            let looped = if site.form == Form::Loop {
                format!("for (int i = 0; i < times({label}); i++) ")
            } else {
                String::new()
            };
            let piece = match (site.kind, site.form) {
                (Kind::Vector, _) => format!(
                    "{looped}{{ auto *v = new std::vector<char>({}); stamp({label}); if (dropped({label})) delete v; }}",
                    size(site)
                ),
                (Kind::List, _) => format!(
                    "{looped}{{ auto *l = new std::list<long>; l->push_back({label}); stamp({label}); if (dropped({label})) delete l; }}"
                ),
                (_, Form::Variable) => {
                    let name = &self.function.variable;
                    self.text
                        .push(format!("{indent}void *{name}{label} = {value};"));
                    self.text
                        .push(format!("{indent}keep({label}, {name}{label});"));
                    continue;
                }
                (_, Form::Split) => {
                    self.lines.insert(label, at(statement + 1));
                    self.text.push(format!("{indent}keep({label},"));
                    self.text.push(format!("{indent}     {value});"));
                    continue;
                }
                (_, Form::If) => format!("if (yes()) keep({label}, {value});"),
                (_, Form::Loop | Form::Plain) => format!("{looped}keep({label}, {value});"),
            };
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&piece);
        }
        if !line.is_empty() {
            self.text.push(format!("{indent}{line}"));
        }
    }
}

fn size(site: &Site) -> String {
    match site.size {
        Size::Fixed(size) => size.to_string(),
        Size::Varying => "some_size()".to_owned(),
    }
}

fn allocation(site: &Site) -> String {
    let size = size(site);
    match site.kind {
        Kind::Malloc => format!("malloc({size})"),
        Kind::Calloc => format!("calloc(1, {size})"),
        Kind::Realloc => format!("realloc(old_block(), {size})"),
        Kind::Strdup => format!("strdup(text({size}))"),
        Kind::Wrapped => format!("take_memory({size})"),
        Kind::Macro => format!("TAKE({size})"),
        Kind::New | Kind::Vector | Kind::List => format!("::operator new({size})"),
    }
}
