//! A random program: files, functions, statements, and in them the sites that allocate.

use crate::rng::Rng;

/// The number of a site. It goes with the site through every edit.
pub(crate) type Label = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Malloc,
    Calloc,
    Realloc,
    Strdup,
    /// By the program's own function for it.
    Wrapped,
    /// By a macro that calls malloc.
    Macro,
    New,
    Vector,
    List,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Size {
    Fixed(usize),
    Varying,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Plain,
    /// In a variable, which the next line hands on.
    Variable,
    /// The arguments on a line of their own.
    Split,
    Loop,
    If,
}

#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub label: Label,
    pub kind: Kind,
    pub size: Size,
    pub form: Form,
}

impl Site {
    /// The size as the source and the log show it; `None` varies.
    pub(crate) fn fixed_size(&self) -> Option<usize> {
        match self.size {
            Size::Fixed(size) => Some(size),
            Size::Varying => None,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Statement {
    /// One line of source, if their forms allow, with all of these.
    Sites(Vec<Site>),
    /// A line without code.
    Comment(usize),
    /// Code that allocates nothing.
    Work(usize),
    Call {
        function: usize,
        /// Of the first argument: it picks the instance of a template.
        of: &'static str,
    },
    Block {
        kind: Block,
        body: Vec<Statement>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    If,
    IfElse,
    Switch,
    Once,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inline {
    No,
    Hint,
    Always,
    Never,
}

#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub id: usize,
    pub name: String,
    pub is_static: bool,
    pub inline: Inline,
    pub template: bool,
    /// The sites stand in a lambda.
    pub lambda: bool,
    pub parameters: Vec<&'static str>,
    /// Lines of comment above it.
    pub above: usize,
    pub variable: String,
    pub body: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(crate) struct File {
    pub directory: String,
    pub stem: String,
    /// In the shared library instead of the program.
    pub shared: bool,
    pub functions: Vec<Function>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wrapper {
    Header,
    OwnFile,
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub cxx: bool,
    /// `operator new` is the C++ library's own: all of `new` stands there.
    pub plain_new: bool,
    pub wrapper: Wrapper,
    pub wrapper_inline: Inline,
    pub wrapper_comment: usize,
    pub files: Vec<File>,
    pub labels: Label,
    pub ids: usize,
}

const VERBS: [&str; 12] = [
    "open", "read", "send", "parse", "load", "store", "poll", "flush", "scan", "merge", "route",
    "track",
];
const NOUNS: [&str; 12] = [
    "session", "frame", "packet", "config", "sensor", "cache", "queue", "table", "client", "route",
    "event", "log",
];
/// Names that static functions of several files share.
const NAMESAKES: [&str; 4] = ["init", "grow", "reset", "add_entry"];
const DIRECTORIES: [&str; 4] = ["", "net", "disk", "core"];
const STEMS: [&str; 7] = ["io", "session", "table", "proto", "store", "util", "driver"];

impl Program {
    pub(crate) fn random(rng: &mut Rng, cxx: bool) -> Program {
        let mut program = Program {
            cxx,
            plain_new: rng.percent(20),
            wrapper: if rng.percent(60) {
                Wrapper::Header
            } else {
                Wrapper::OwnFile
            },
            wrapper_inline: if rng.percent(25) {
                Inline::Never
            } else {
                Inline::No
            },
            wrapper_comment: rng.below(3),
            files: Vec::new(),
            labels: 0,
            ids: 0,
        };
        let files = if cxx { 2 } else { rng.between(2, 4) };
        let library = rng.percent(30);
        for index in 0..files {
            let (directory, stem) = loop {
                let place = (*rng.pick(&DIRECTORIES), *rng.pick(&STEMS));
                let taken = |f: &File| (f.directory.as_str(), f.stem.as_str()) == place;
                if !program.files.iter().any(taken) {
                    break place;
                }
            };
            program.files.push(File {
                directory: directory.to_owned(),
                stem: stem.to_owned(),
                shared: library && index == 1,
                functions: Vec::new(),
            });
            program.fill_file(rng, index);
        }
        program
    }

    fn fill_file(&mut self, rng: &mut Rng, file: usize) {
        let statics = rng.below(4);
        let roots = rng.between(1, 3);
        for number in 0..statics + roots {
            let is_static = number < statics;
            let mut function = self.function(rng, is_static);
            if is_static && !self.cxx && rng.percent(50) {
                let name = *rng.pick(&NAMESAKES);
                let here = &self.files[file].functions;
                if !here.iter().any(|f| f.name == name) {
                    function.name = name.to_owned();
                }
            }
            if self.cxx && is_static {
                function.template = rng.percent(35);
                if number > 0 && rng.percent(25) {
                    // An overload of the one before, if that is not one already.
                    let before = &self.files[file].functions[number - 1];
                    if !before.template && before.parameters[0] == "int" {
                        function.name = before.name.clone();
                        function.parameters[0] = "double";
                        function.template = false;
                    }
                }
            }
            function.lambda = self.cxx && rng.percent(20);
            self.files[file].functions.push(function);
        }
        // Each static function is called by one or two of those after it, so that none is left out.
        for callee in 0..statics {
            let called = &self.files[file].functions[callee];
            let (id, template, of) = (called.id, called.template, called.parameters[0]);
            for time in 0..rng.between(1, 2) {
                let caller = rng.between(callee + 1, statics + roots - 1);
                let of = match (template, time) {
                    (true, 1) => "double",
                    (true, _) => "long",
                    _ => of,
                };
                let body = &mut self.files[file].functions[caller].body;
                let at = rng.below(body.len() + 1);
                body.insert(at, Statement::Call { function: id, of });
            }
        }
    }

    pub(crate) fn function(&mut self, rng: &mut Rng, is_static: bool) -> Function {
        let id = self.ids;
        self.ids += 1;
        let mut function = Function {
            id,
            name: self.fresh_name(rng),
            is_static,
            inline: match rng.below(10) {
                0 | 1 if is_static => Inline::Hint,
                2 if is_static => Inline::Always,
                3 | 4 => Inline::Never,
                _ => Inline::No,
            },
            template: false,
            lambda: false,
            parameters: vec!["int"; rng.between(1, 2)],
            above: rng.below(4),
            variable: "p".to_owned(),
            body: Vec::new(),
        };
        for _ in 0..rng.between(1, 5) {
            let statement = self.statement(rng);
            function.body.push(statement);
        }
        function
    }

    pub(crate) fn fresh_name(&self, rng: &mut Rng) -> String {
        loop {
            let mut name = format!("{}_{}", rng.pick(&NOUNS), rng.pick(&VERBS));
            if self.functions().any(|f| f.name == name) {
                name = format!("{name}_{}", rng.below(100));
            }
            if !self.functions().any(|f| f.name == name) {
                return name;
            }
        }
    }

    fn statement(&mut self, rng: &mut Rng) -> Statement {
        match rng.below(10) {
            0 => Statement::Comment(rng.below(1000)),
            1 => Statement::Work(rng.below(1000)),
            2 => Statement::Block {
                kind: *rng.pick(&[Block::If, Block::IfElse, Block::Switch, Block::Once]),
                body: (0..rng.between(1, 2))
                    .map(|_| Statement::Sites(vec![self.site(rng)]))
                    .collect(),
            },
            3 => Statement::Sites((0..2).map(|_| self.short_site(rng)).collect()),
            _ => Statement::Sites(vec![self.site(rng)]),
        }
    }

    /// A site that can share its line with others.
    pub(crate) fn short_site(&mut self, rng: &mut Rng) -> Site {
        let mut site = self.site(rng);
        site.form = Form::Plain;
        site
    }

    pub(crate) fn site(&mut self, rng: &mut Rng) -> Site {
        let label = self.labels;
        self.labels += 1;
        let kind = match rng.below(if self.cxx { 20 } else { 12 }) {
            0 => Kind::Calloc,
            1 => Kind::Realloc,
            2 => Kind::Strdup,
            3 | 4 => Kind::Wrapped,
            5 => Kind::Macro,
            12..=16 => Kind::New,
            17 | 18 => Kind::Vector,
            19 => Kind::List,
            _ => Kind::Malloc,
        };
        let form = match kind {
            Kind::Vector | Kind::List => *rng.pick(&[Form::Plain, Form::Loop]),
            _ => *rng.pick(&[
                Form::Plain,
                Form::Plain,
                Form::Variable,
                Form::Split,
                Form::Loop,
                Form::If,
            ]),
        };
        Site {
            label,
            kind,
            size: Self::size(rng),
            form,
        }
    }

    pub(crate) fn size(rng: &mut Rng) -> Size {
        match rng.below(10) {
            0 | 1 => Size::Varying,
            2..=5 => Size::Fixed(*rng.pick(&[24, 32, 40, 64])),
            _ => Size::Fixed(rng.between(16, 400)),
        }
    }

    pub(crate) fn functions(&self) -> impl Iterator<Item = &Function> {
        self.files.iter().flat_map(|file| &file.functions)
    }
}

impl Function {
    /// Its sites, in the order of the source.
    pub(crate) fn sites(&self) -> Vec<&Site> {
        fn collect<'a>(body: &'a [Statement], into: &mut Vec<&'a Site>) {
            for statement in body {
                match statement {
                    Statement::Sites(sites) => into.extend(sites),
                    Statement::Block { body, .. } => collect(body, into),
                    _ => {}
                }
            }
        }
        let mut sites = Vec::new();
        collect(&self.body, &mut sites);
        sites
    }

    /// The same, to change.
    pub(crate) fn sites_mut(&mut self) -> Vec<&mut Site> {
        fn collect<'a>(body: &'a mut [Statement], into: &mut Vec<&'a mut Site>) {
            for statement in body {
                match statement {
                    Statement::Sites(sites) => into.extend(sites),
                    Statement::Block { body, .. } => collect(body, into),
                    _ => {}
                }
            }
        }
        let mut sites = Vec::new();
        collect(&mut self.body, &mut sites);
        sites
    }

    pub(crate) fn has_calls(&self) -> bool {
        self.body
            .iter()
            .any(|statement| matches!(statement, Statement::Call { .. }))
    }
}
