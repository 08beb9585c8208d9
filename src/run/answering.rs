//! The frame of a stack that answers for an allocation.
//!
//! Memory is seldom taken from malloc itself: `strdup`, `operator new` or a program's own `xmalloc` stand between, and
//! a row that names one of those names nobody. So the frame that is shown and joined is the innermost one that is
//! neither in the C or C++ runtime, nor in a header of the system, nor in a wrapper. An inlined call is a frame like
//! any other.

use hashbrown::HashMap;

use super::blame::{Blame, FrameStanding, Standings};
use super::wrapper::{
    Learned, Wrappers, does_its_own_work, is_copy_constructor, is_library_wrapper, is_namesake,
    is_runtime, is_wrapper,
};
use super::{Call, Frame, Location, LocationId, Named, PassedBy, Role, Run, Symbolized, Text};

/// Which wrappers a frame is called by, through its own module.
#[derive(Clone, Copy, Default)]
struct Behind {
    /// A wrapper of C, which calls nothing of its caller's: what it calls is a part of its work.
    worker: bool,
    any: bool,
    /// A library's, through functions of one file.
    file_of_library: bool,
}

impl Blame {
    pub(super) fn of(
        run: &Run,
        wrappers: &Wrappers,
        learned: &Learned,
        known: &mut NamesSeen,
    ) -> Self {
        let mut blamer = Blamer {
            run,
            wrappers,
            learned,
            known,
        };
        let locations = run.locations.iter().enumerate();
        let standings = locations.map(|(index, at)| blamer.standing(LocationId(index as u32), at));
        let standings = Standings(standings.collect());
        Blame {
            within: standings.within(run),
            standings,
            hidden: wrappers.hidden.clone(),
        }
    }
}

impl Standings {
    /// Whether each frame does a part of a wrapper's work: a wrapper of its own library called it. It need not have a
    /// name, as stripped libraries name only what they export. In a program, what is written in the file of a library's
    /// wrapper does, too: then the library was built into it.
    ///
    /// A container of C++ calls back what it is given, so behind such a one only functions without a name count.
    fn within(&self, run: &Run) -> Vec<bool> {
        let is_unnamed = |at: LocationId| run.location(at).frame().is_none();
        let known_at = |at: LocationId| match self.of(at).passed {
            Some((frame, PassedBy::Known)) => {
                let frame = frame.into();
                let frame = run.frame_of(Call { at, frame })?;
                let function = frame.function.as_deref()?;
                Some((does_its_own_work(function), is_library_wrapper(function)))
            }
            _ => None,
        };
        if run.stacks.iter().all(|(_, caller)| caller.is_none()) {
            return Vec::new();
        }
        // Whether a wrapper that does its own work was called there, and whether it is a library's.
        let known: Vec<(bool, bool)> = (0..run.locations.len() as u32)
            .map(|at| known_at(LocationId(at)).unwrap_or_default())
            .collect();
        let files = files(run);
        let mut behind: Vec<Behind> = Vec::with_capacity(run.stacks.len());
        let mut within = Vec::with_capacity(run.stacks.len());
        for (at, caller) in run.stacks.iter() {
            let location = run.location(at);
            let outer = caller.map(|caller| (caller, run.stacks.innermost(caller)));
            let same = outer.filter(|(_, outer)| {
                location.module.is_some() && run.location(*outer).module == location.module
            });
            let of_stack = same.map_or(Behind::default(), |(caller, outer)| {
                // A caller stands before what it calls.
                let further = behind.get(caller.index()).copied().unwrap_or_default();
                let of_any = match is_unnamed(outer) {
                    true => further.any,
                    false => self.of(outer).answers.is_none(),
                };
                let (does_own_work, is_library) = known[outer.0 as usize];
                let file = files[at.0 as usize];
                let is_of_file = file.is_some() && file == files[outer.0 as usize];
                Behind {
                    worker: does_own_work || further.worker,
                    any: of_any,
                    file_of_library: is_of_file && (is_library || further.file_of_library),
                }
            });
            behind.push(of_stack);
            let module = run.module_of(location);
            let is_library = module.is_some_and(|module| module.label.role == Role::Library);
            within.push(match is_unnamed(at) {
                true => of_stack.any,
                false => (is_library && of_stack.worker) || of_stack.file_of_library,
            });
        }
        within
    }

    pub(super) fn of(&self, at: LocationId) -> FrameStanding {
        self.0[at.0 as usize]
    }
}

/// The file of each location, by a number; none where it is not known, or where functions of several are inlined there.
fn files(run: &Run) -> Vec<Option<usize>> {
    let mut known: HashMap<Text, usize> = HashMap::new();
    let mut file_of = |location: &Location| {
        let mut files = location.frames().iter().map(|frame| frame.file.as_ref());
        let first = files.next()??;
        if !files.all(|file| file == Some(first)) {
            return None;
        }
        let next = known.len();
        Some(*known.entry(first.clone()).or_insert(next))
    };
    run.locations.iter().map(&mut file_of).collect()
}

struct Blamer<'a> {
    run: &'a Run,
    wrappers: &'a Wrappers,
    learned: &'a Learned,
    known: &'a mut NamesSeen,
}

/// What names say, each looked at once.
#[derive(Default)]
pub(super) struct NamesSeen {
    functions: HashMap<Text, Option<PassedBy>>,
    /// Files, and whether they are headers of the system.
    headers: HashMap<Text, bool>,
}

impl Blamer<'_> {
    fn is_hidden(&self, call: Call) -> bool {
        let hidden = self.wrappers.hidden.as_ref();
        hidden.is_some_and(|hidden| self.run.fits(call, hidden))
    }

    fn standing(&mut self, at: LocationId, location: &Location) -> FrameStanding {
        let module = self.run.module_of(location).map(|module| &module.label);
        let in_runtime = !self.wrappers.only_given && module.is_some_and(is_runtime);
        let Symbolized::Named(named) = &location.name else {
            let is_hidden = self.is_hidden(Call { at, frame: 0 });
            let by = match () {
                () if in_runtime => Some(PassedBy::Runtime),
                () if self.learned.has_place(self.run, location) => Some(PassedBy::Learned),
                () => None,
            };
            return FrameStanding {
                answers: (by.is_none() && !is_hidden).then_some(0),
                passed: by.map(|by| (0, by)),
            };
        };
        let first = match self.wrappers.only_given {
            true => named.shown_at(),
            false => 0,
        };
        let mut standing = FrameStanding::default();
        for (index, frame) in named.frames().iter().enumerate().skip(first) {
            if self.is_hidden(Call { at, frame: index }) {
                continue;
            }
            let by_name = frame.function.as_ref().and_then(|name| self.by_name(name));
            let by_name = by_name.filter(|by| *by == PassedBy::Given || !is_namesake(frame));
            let by = match by_name {
                Some(PassedBy::Given) => by_name,
                _ if in_runtime => Some(PassedBy::Runtime),
                None if self.wrappers.only_given => None,
                None if self.learned.has(module, frame) => Some(PassedBy::Learned),
                None if self.is_of_header(frame) => Some(PassedBy::Header),
                None if is_implicit(named, index) => Some(PassedBy::Known),
                by_name => by_name,
            };
            let Some(by) = by else {
                if self.is_part_of_wrapper(named.frames(), index) {
                    continue;
                }
                standing.answers = Some(short(index));
                break;
            };
            standing.passed = Some((short(index), by));
        }
        standing
    }

    /// Whether a function was inlined into a library's wrapper, of the same file.
    fn is_part_of_wrapper(&mut self, frames: &[Frame], index: usize) -> bool {
        if self.wrappers.only_given {
            return false;
        }
        let file = frames[index].file.as_ref();
        let outer = frames[index + 1..].iter();
        let of_file = outer.take_while(|frame| file.is_some() && frame.file.as_ref() == file);
        let mut names = of_file.filter_map(|frame| frame.function.as_ref());
        names.any(|name| self.by_name(name) == Some(PassedBy::Known) && is_library_wrapper(name))
    }

    fn by_name(&mut self, function: &Text) -> Option<PassedBy> {
        if let Some(known) = self.known.functions.get(function) {
            return *known;
        }
        let is_given = || {
            let mut given = self.wrappers.given.iter();
            given.any(|pattern| pattern.fits(function))
        };
        let by = match () {
            () if is_given() => Some(PassedBy::Given),
            () if !self.wrappers.only_given && is_wrapper(function) => Some(PassedBy::Known),
            () => None,
        };
        self.known.functions.insert(function.clone(), by);
        by
    }

    fn is_of_header(&mut self, frame: &Frame) -> bool {
        let Some(file) = &frame.file else {
            return false;
        };
        if let Some(known) = self.known.headers.get(file) {
            return *known;
        }
        let is_header = frame.is_of_system_header();
        self.known.headers.insert(file.clone(), is_header);
        is_header
    }
}

/// Whether nobody wrote a function: the copies that a compiler makes of an object lie where its class begins.
fn is_implicit(named: &Named, index: usize) -> bool {
    let frame = &named.frames()[index];
    let declared = named.declarations().get(index).and_then(|of| of.line);
    frame.line.is_some()
        && frame.line == declared
        && frame.function.as_deref().is_some_and(is_copy_constructor)
}

/// No chain of inlined calls is longer.
fn short(frame: usize) -> u16 {
    u16::try_from(frame).unwrap_or(u16::MAX)
}
