//! What a place is called, in a saved report.

use serde::{Deserialize, Serialize};

use super::checks::Checked;
use crate::printable::shortened;
use crate::run::{
    CodeFingerprint, Declaration, Frame, LinkAddress, NameSource, Named, Symbolized, Unknown,
};
use crate::symbols::Names;

/// No chain of inlined calls has more frames.
const LONGEST_CHAIN: usize = 256;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum SavedName {
    Known {
        by: NameSource,
        /// Innermost first.
        frames: Vec<SavedFrame>,
        /// Of the outermost function, where debug information calls it otherwise.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        symbol: Option<String>,
        /// Where the outermost function begins, in hex.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        start: Option<LinkAddress>,
        /// Of its code: bytes, a checksum of its lines, and the last line.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<(u64, Option<u32>, Option<u32>)>,
        /// Another function has its name.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        namesake: bool,
    },
    Unknown(Unknown),
}

impl SavedName {
    pub(super) fn of(name: &Symbolized) -> Self {
        match name {
            Symbolized::Unknown(reason) => SavedName::Unknown(*reason),
            Symbolized::Named(named) => SavedName::Known {
                by: named.source(),
                frames: {
                    let frames = named.frames().iter().enumerate();
                    let declared = |at| named.declarations().get(at).copied().unwrap_or_default();
                    frames
                        .map(|(at, frame)| SavedFrame::of(frame, declared(at)))
                        .collect()
                },
                symbol: named.symbol().map(|symbol| symbol.as_ref().to_owned()),
                start: named.function_start(),
                code: named
                    .code()
                    .map(|code| (code.size, code.lines, code.last_line)),
                namesake: named.code().is_some_and(|code| code.has_namesake),
            },
        }
    }

    /// `names` has each text once, whoever is called so.
    pub(super) fn symbolized(self, names: &mut Names) -> Checked<Symbolized> {
        let (by, frames, symbol, start, code) = match self {
            SavedName::Unknown(reason) => return Ok(Symbolized::Unknown(reason)),
            SavedName::Known {
                by,
                frames,
                symbol,
                start,
                code,
                namesake,
            } => {
                let code = code.map(|(size, lines, last_line)| CodeFingerprint {
                    size,
                    lines,
                    last_line,
                    has_namesake: namesake,
                });
                (by, frames, symbol, start, code)
            }
        };
        if frames.len() > LONGEST_CHAIN {
            return Err(format!(
                "a caller has a chain of {} frames, and {LONGEST_CHAIN} are the most",
                frames.len()
            ));
        }
        let declarations = frames.iter().map(SavedFrame::declaration).collect();
        let frames = frames.iter().map(|frame| frame.frame(names)).collect();
        let named = Named::new(frames, by)
            .ok_or_else(|| "a caller has a name without frames".to_owned())?;
        let symbol = symbol.map(|symbol| names.shared(&shortened(&symbol)));
        let named = named
            .declared(declarations)
            .with_symbol(symbol)
            .starting_at(start)
            .made_of(code);
        Ok(Symbolized::Named(named))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedFrame {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    function: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    inlined: bool,
    /// The line at which the function is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    declared: Option<u32>,
    /// The function is no `static` one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    external: bool,
}

impl SavedFrame {
    fn of(frame: &Frame, declaration: Declaration) -> Self {
        SavedFrame {
            function: frame.function.as_deref().map(str::to_owned),
            file: frame.file.as_deref().map(str::to_owned),
            line: frame.line,
            inlined: frame.inlined,
            declared: declaration.line,
            external: declaration.external,
        }
    }

    fn declaration(&self) -> Declaration {
        Declaration {
            line: self.declared,
            external: self.external,
        }
    }

    fn frame(&self, names: &mut Names) -> Frame {
        let mut text = |text: &Option<String>| {
            let text = text.as_deref().map(shortened);
            text.map(|text| names.shared(&text))
        };
        Frame {
            function: text(&self.function),
            file: text(&self.file),
            line: self.line,
            inlined: self.inlined,
        }
    }
}
