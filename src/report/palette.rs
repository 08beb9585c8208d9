//! The styles that carry meaning. Nothing is told by colour alone.

use owo_colors::Style;

/// All plain without colour.
pub(super) struct Palette {
    pub strong: Style,
    pub good: Style,
    pub bad: Style,
    pub caution: Style,
    pub quiet: Style,
    /// A breach, beside what else is bad.
    pub loudest: Style,
    /// Growth that may be bad.
    pub warm: Style,
    /// Less than before.
    pub less: Style,
    pub new: Style,
}

impl Palette {
    pub(super) fn new(color: bool) -> Self {
        let styled = |style: Style| if color { style } else { Style::new() };
        Palette {
            strong: styled(Style::new().bold()),
            good: styled(Style::new().green().bold()),
            bad: styled(Style::new().red().bold()),
            caution: styled(Style::new().yellow().bold()),
            quiet: styled(Style::new().dimmed()),
            loudest: styled(Style::new().red().bold().reversed()),
            warm: styled(Style::new().red()),
            less: styled(Style::new().green()),
            new: styled(Style::new().magenta().bold()),
        }
    }
}
