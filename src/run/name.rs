//! What the place of a call is called: function, file and line, with the chain of inlined calls.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::LinkAddress;
use crate::file_name::last_part;

/// A text that many places have in common: kept once, however many name it.
pub(crate) type Text = Arc<str>;

/// One function at one address; the innermost of an inline chain comes first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Frame {
    /// Demangled.
    pub function: Option<Text>,
    pub file: Option<Text>,
    pub line: Option<u32>,
    /// Inlined into the frame after it.
    pub inlined: bool,
}

/// What an address is called, or why it has no name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbolized {
    Named(Named),
    Unknown(Unknown),
}

/// A named address: at least one frame. Whoever has a copy shares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named(Arc<NamedParts>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct NamedParts {
    frames: Box<[Frame]>,
    /// Of the frames, in their order; apart from them, since a function that moved is the same one.
    declarations: Box<[Declaration]>,
    /// What the symbol of the outermost function says, where debug information calls it otherwise: it gives functions that
    /// are `static` no parameters, and no lambda a name.
    symbol: Option<Text>,
    /// Where the outermost function begins.
    function_start: Option<LinkAddress>,
    /// Of the outermost function.
    code: Option<CodeFingerprint>,
    source: NameSource,
    /// The frame to show, where it is another one than the names alone tell.
    answers: Option<usize>,
}

/// Where a name comes from; each outranks those below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NameSource {
    Dwarf,
    #[serde(rename = "symbols")]
    SymbolTable,
    /// The dynamic symbol that glibc wrote into the log.
    Log,
}

/// Why an address has no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unknown {
    /// The line of the log names no caller.
    NoAddress,
    NoMaps,
    /// In no mapping, or in one of another module.
    OutsideMaps,
    /// Code made at run time.
    AnonymousMemory,
    /// The module's file is not on this machine.
    NoFile,
    /// The file has neither debug information nor a symbol at that address.
    NoSymbol,
}

impl Symbolized {
    /// The frame to show, where there is a name.
    pub fn frame(&self) -> Option<&Frame> {
        match self {
            Symbolized::Named(named) => Some(named.shown()),
            Symbolized::Unknown(_) => None,
        }
    }
}

impl Frame {
    /// Written in a header of the toolchain or the system.
    pub fn is_of_system_header(&self) -> bool {
        self.file.as_deref().is_some_and(is_system_header)
    }

    /// Written in a header that was installed beside the system's, for a library that is not the compiler's or libc's.
    pub fn is_of_a_librarys_header(&self) -> bool {
        self.file.as_deref().is_some_and(is_librarys_header)
    }
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unknown::NoAddress => "the log names no caller",
            Unknown::NoMaps => "no maps file",
            Unknown::OutsideMaps => "not in the maps",
            Unknown::AnonymousMemory => "code made at run time",
            Unknown::NoFile => "file not found",
            Unknown::NoSymbol => "no symbol",
        })
    }
}

impl Named {
    /// The chain of frames, innermost first; `None` if it is empty.
    pub(crate) fn new(frames: Vec<Frame>, source: NameSource) -> Option<Self> {
        (!frames.is_empty()).then(|| Named::of_frames(frames.into(), source))
    }

    fn of_frames(frames: Box<[Frame]>, source: NameSource) -> Self {
        Named(Arc::new(NamedParts {
            frames,
            declarations: Box::default(),
            symbol: None,
            function_start: None,
            code: None,
            source,
            answers: None,
        }))
    }

    pub fn source(&self) -> NameSource {
        self.0.source
    }

    /// What the symbol of the outermost function says, where debug information calls it otherwise.
    pub fn symbol(&self) -> Option<&Text> {
        self.0.symbol.as_ref()
    }

    /// Of the outermost function.
    pub fn code(&self) -> Option<CodeFingerprint> {
        self.0.code
    }

    /// Where the outermost function begins.
    pub fn function_start(&self) -> Option<LinkAddress> {
        self.0.function_start
    }

    /// Of the frames, in their order; empty where they are not known.
    pub fn declarations(&self) -> &[Declaration] {
        &self.0.declarations
    }

    /// Adds where the functions of the frames are declared, in the order of the frames.
    pub(crate) fn declared(mut self, declarations: Vec<Declaration>) -> Self {
        Arc::make_mut(&mut self.0).declarations = declarations.into();
        self
    }

    pub(crate) fn with_symbol(mut self, symbol: Option<Text>) -> Self {
        Arc::make_mut(&mut self.0).symbol = symbol;
        self
    }

    pub(crate) fn starting_at(mut self, function_start: Option<LinkAddress>) -> Self {
        Arc::make_mut(&mut self.0).function_start = function_start;
        self
    }

    /// A function by the name of its symbol alone, demangled.
    pub(crate) fn from_symbol(symbol: impl Into<Text>, source: NameSource) -> Self {
        let frame = Frame {
            function: Some(symbol.into()),
            file: None,
            line: None,
            inlined: false,
        };
        Named::of_frames(Box::new([frame]), source)
    }

    pub(crate) fn made_of(mut self, code: Option<CodeFingerprint>) -> Self {
        Arc::make_mut(&mut self.0).code = code;
        self
    }

    pub fn frames(&self) -> &[Frame] {
        &self.0.frames
    }

    /// The frame that a person would blame: the one that [`Named::answered_by`] says; else the innermost that is
    /// neither a system header's nor `operator new` itself; the innermost of all if there is no such.
    pub fn shown(&self) -> &Frame {
        &self.0.frames[self.shown_at()]
    }

    /// Which of the frames that is.
    pub fn shown_at(&self) -> usize {
        let answers = self.0.answers.filter(|at| *at < self.0.frames.len());
        answers.unwrap_or_else(|| self.outside_headers())
    }

    fn outside_headers(&self) -> usize {
        let mut frames = self.0.frames.iter();
        let outside = frames.position(|frame| !is_library_detail(frame));
        outside.unwrap_or(0)
    }

    /// The same name, with another frame to show.
    pub(crate) fn answered_by(mut self, frame: usize) -> Self {
        // Nearly always it is the one that is shown anyway, and the name stays shared.
        if frame != self.shown_at() {
            let is_default = frame == self.outside_headers();
            Arc::make_mut(&mut self.0).answers = (!is_default).then_some(frame);
        }
        self
    }

    /// The frames that the shown one is inlined into, without those of system headers.
    pub fn inlined_into(&self) -> impl Iterator<Item = &Frame> + '_ {
        self.chain().skip(1).map(|(frame, _)| frame)
    }

    /// The shown frame and those that it is inlined into, each with its function's declaration. Of a function that is
    /// inlined into itself, the innermost call is there.
    pub fn chain(&self) -> impl Iterator<Item = (&Frame, Declaration)> + '_ {
        let shown = self.shown_at();
        let frames = self.0.frames.iter().enumerate().skip(shown);
        let blamed =
            frames.filter(move |(index, frame)| *index == shown || !is_library_detail(frame));
        let blamed = blamed.map(|(index, frame)| {
            let declaration = self.0.declarations.get(index);
            (frame, declaration.copied().unwrap_or_default())
        });
        let mut chain: Vec<(&Frame, Declaration)> = Vec::new();
        for (frame, declaration) in blamed {
            let is_same = |(known, declared): &(&Frame, Declaration)| {
                declaration.line.is_some()
                    && *declared == declaration
                    && (&known.function, &known.file) == (&frame.function, &frame.file)
            };
            match chain.iter().position(is_same) {
                Some(at) => chain.truncate(at + 1),
                None => chain.push((frame, declaration)),
            }
        }
        chain.into_iter()
    }

    /// The shown frame alone, wherever it is inlined.
    pub(crate) fn alone(&self) -> Self {
        let shown = self.shown_at();
        let declaration = self.0.declarations.get(shown).copied();
        let named = Named::of_frames(Box::new([self.shown().clone()]), self.0.source);
        named.declared(declaration.into_iter().collect())
    }

    /// Rewrites the function of every frame, and what its symbol says.
    pub(crate) fn map_functions(&mut self, map: impl Fn(&str) -> Option<String>) {
        let mapped = |name: &Option<Text>| {
            let new = name.as_deref().and_then(&map);
            new.map(Text::from)
        };
        let frames = self.0.frames.iter();
        let functions: Vec<_> = frames.map(|frame| mapped(&frame.function)).collect();
        let symbol = mapped(&self.0.symbol);
        if symbol.is_none() && functions.iter().all(Option::is_none) {
            return;
        }
        let parts = Arc::make_mut(&mut self.0);
        parts.symbol = symbol.or(parts.symbol.take());
        for (frame, function) in parts.frames.iter_mut().zip(functions) {
            frame.function = function.or(frame.function.take());
        }
    }

    /// Rewrites the path of every frame.
    pub(crate) fn map_files(&mut self, map: impl Fn(&str) -> Option<String>) {
        let mapped = |frame: &Frame| {
            let file = frame.file.as_deref().and_then(&map);
            Frame {
                file: file.map(Text::from).or_else(|| frame.file.clone()),
                ..frame.clone()
            }
        };
        let frames = self.0.frames.iter().map(mapped).collect();
        Arc::make_mut(&mut self.0).frames = frames;
    }
}

/// Whether a frame is a system header's, or an inlined `operator new`: it allocates for others.
pub(crate) fn is_library_detail(frame: &Frame) -> bool {
    let is_allocator = |function: &str| {
        function.starts_with("operator new(") || function.starts_with("operator new[](")
    };
    frame.is_of_system_header()
        || (frame.inlined && frame.function.as_deref().is_some_and(is_allocator))
}

/// Headers of the toolchain and the system, wherever it is unpacked; for Rust, the standard library.
fn is_system_header(file: &str) -> bool {
    const PARTS: [&str; 4] = ["/usr/include/", "/lib/gcc/", "/lib/clang/", "/rustc/"];
    let in_triple = || {
        // /usr/arm-linux-gnueabihf/include/…
        file.split_once("/include/")
            .is_some_and(|(before, _)| last_part(before).contains("-linux-"))
    };
    // /opt/gcc/include/c++/12/…, or v1 of LLVM's: a program has headers in a directory of that name, too.
    let in_version = || {
        let version = file.split_once("/include/c++/").map(|(_, version)| version);
        let version = version.map(|version| version.strip_prefix('v').unwrap_or(version));
        version.is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit()))
    };
    PARTS.iter().any(|part| file.contains(part)) || in_triple() || in_version()
}

fn is_librarys_header(file: &str) -> bool {
    const SYSTEM: [&str; 9] = [
        "c++", "bits", "sys", "boost", "glib-2.0", "eigen3", "qt5", "qt6", "QtCore",
    ];
    let Some((_, below)) = file.rsplit_once("/usr/include/") else {
        return false;
    };
    // /usr/include/x86_64-linux-gnu/bits/… is the system's, too.
    let below = match below.split_once('/') {
        Some((triple, below)) if triple.contains("-linux-") => below,
        _ => below,
    };
    below
        .split_once('/')
        .is_some_and(|(directory, _)| !SYSTEM.contains(&directory))
}

/// What is known of a function's code, to be compared with that of another build: neither moves with where the function
/// lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CodeFingerprint {
    /// In bytes.
    pub size: u64,
    /// A checksum of which line, counted from the declaration, each of its bytes is of.
    pub lines: Option<u32>,
    /// The last of these lines.
    pub last_line: Option<u32>,
    /// Another function of the module has its name, and nothing tells which is which.
    pub has_namesake: bool,
}

/// What the debug information says of a function's declaration.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Declaration {
    pub line: Option<u32>,
    /// It is no `static` function: its name stands for it in all files of the module.
    pub external: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(function: &str, file: &str, inlined: bool) -> Frame {
        Frame {
            function: Some(function.into()),
            file: Some(file.into()),
            line: Some(1),
            inlined,
        }
    }

    #[test]
    fn the_shown_frame_is_outside_system_headers() {
        let chain = vec![
            frame("operator new(unsigned long)", "/src/new.cc", true),
            frame("allocate", "/usr/include/c++/12/bits/new_allocator.h", true),
            frame(
                "push_back",
                "/opt/sdk/arm-linux-gnueabihf/include/vector",
                true,
            ),
            frame("open_session(int)", "/src/cxx.cc", false),
        ];
        let named = Named::new(chain, NameSource::Dwarf).unwrap();
        assert_eq!(named.shown().function.as_deref(), Some("open_session(int)"));
    }

    #[test]
    fn a_chain_of_system_headers_alone_shows_its_innermost_frame() {
        let chain = vec![
            frame("a", "/usr/include/a.h", true),
            frame("b", "/usr/include/b.h", false),
        ];
        let named = Named::new(chain, NameSource::Dwarf).unwrap();
        assert_eq!(named.shown().function.as_deref(), Some("a"));
    }

    #[test]
    fn a_replaced_operator_new_that_is_not_inlined_is_a_site() {
        let chain = vec![frame("operator new(unsigned long)", "/src/new.cc", false)];
        assert!(
            Named::new(chain, NameSource::Dwarf)
                .unwrap()
                .shown()
                .file
                .is_some()
        );
    }

    #[test]
    fn a_project_header_is_no_system_header() {
        assert!(!is_system_header("/home/me/project/include/pool.h"));
        assert!(!is_system_header("include/pool.h"));
        assert!(!is_system_header("/home/me/include/c++/pool.hpp"));
        assert!(is_system_header("/opt/llvm/include/c++/v1/vector"));
        assert!(is_system_header(
            "/build/recipe-sysroot/usr/include/c++/12/vector"
        ));
    }
}
