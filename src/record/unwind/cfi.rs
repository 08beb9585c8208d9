//! Rows of `.eh_frame` and `.debug_frame`.

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, Encoding, EndianSlice, Operation, Register, RegisterRule,
    RunTimeEndian, UnwindContext, UnwindExpression, UnwindSection, UnwindTableRow,
};

use super::machine::Registers;
use super::rule::{Base, Cfa, Rule, Saved, Step};
use super::span::Span;

pub(super) type Bytes<'a> = EndianSlice<'a, RunTimeEndian>;

/// What is known of the section's surroundings.
#[derive(Debug)]
pub(super) struct CfiContext<'a> {
    pub registers: Registers,
    pub bases: &'a BaseAddresses,
    pub image_base: u64,
}

/// The rows of one section, and how many entries of it are damaged.
pub(super) fn spans<'a, S>(section: &S, frames: &CfiContext<'_>) -> (Vec<Span>, u64)
where
    S: UnwindSection<Bytes<'a>>,
    S::Offset: gimli::UnwindOffset<usize>,
{
    let (mut spans, mut damaged) = (Vec::new(), 0);
    let mut context = UnwindContext::new();
    let mut entries = section.entries(frames.bases);
    loop {
        let partial = match entries.next() {
            Ok(Some(CieOrFde::Fde(partial))) => partial,
            Ok(Some(CieOrFde::Cie(_))) => continue,
            Ok(None) => break,
            // Where the next entry begins is not known any more.
            Err(_) => {
                damaged += 1;
                break;
            }
        };
        let Ok(fde) = partial.parse(S::cie_from_offset) else {
            damaged += 1;
            continue;
        };
        let row_of = RowOf {
            section,
            registers: frames.registers,
            encoding: fde.cie().encoding(),
            return_address: fde.cie().return_address_register(),
            is_signal: fde.is_signal_trampoline(),
        };
        let Ok(mut rows) = fde.rows(section, frames.bases, &mut context) else {
            damaged += 1;
            continue;
        };
        loop {
            match rows.next_row() {
                Ok(Some(row)) => {
                    let rule = row_of.rule(row);
                    let (start, end) = (row.start_address(), row.end_address());
                    spans.extend(Span::new(start, end, frames.image_base, rule));
                }
                Ok(None) => break,
                Err(_) => {
                    damaged += 1;
                    break;
                }
            }
        }
    }
    (spans, damaged)
}

/// What the rows of one function have in common.
struct RowOf<'s, S> {
    section: &'s S,
    registers: Registers,
    encoding: Encoding,
    return_address: Register,
    is_signal: bool,
}

impl<'a, S: UnwindSection<Bytes<'a>>> RowOf<'_, S> {
    fn rule(&self, row: &UnwindTableRow<usize>) -> Rule {
        let return_address = match row.register(self.return_address) {
            Some(RegisterRule::Undefined) => return Rule::Outermost,
            None if self.registers.links => Saved::Same,
            rule => self.saved(rule),
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => self
                .base(*register)
                .zip(i32::try_from(*offset).ok())
                .map(|(base, offset)| Cfa::Plus(base, offset)),
            CfaRule::Expression(expression) => self.address(expression),
        };
        match cfa {
            Some(cfa) if return_address != Saved::Lost => Rule::Step(Step {
                cfa,
                return_address,
                a: self.saved(row.register(Register(self.registers.a))),
                b: self
                    .registers
                    .b
                    .map_or(Saved::Same, |b| self.saved(row.register(Register(b)))),
                is_signal: self.is_signal,
            }),
            _ => Rule::Unknown,
        }
    }

    fn base(&self, register: Register) -> Option<Base> {
        self.registers.base(register.0)
    }

    fn saved(&self, rule: Option<RegisterRule<usize>>) -> Saved {
        match rule {
            None | Some(RegisterRule::SameValue) => Saved::Same,
            Some(RegisterRule::Offset(offset)) => {
                i32::try_from(offset).map_or(Saved::Lost, Saved::AtCfa)
            }
            Some(RegisterRule::Expression(expression)) => match self.address(&expression) {
                Some(Cfa::Plus(base, offset)) => Saved::At(base, offset),
                _ => Saved::Lost,
            },
            Some(_) => Saved::Lost,
        }
    }

    /// A register and an offset, or the word that lies there. Other expressions stand where no call
    /// returns to, such as in the PLT.
    fn address(&self, expression: &UnwindExpression<usize>) -> Option<Cfa> {
        let expression = expression.get(self.section).ok()?;
        let mut operations = expression.operations(self.encoding);
        let (mut base, mut offset, mut is_read) = (None, 0_i64, false);
        while let Some(operation) = operations.next().ok()? {
            match operation {
                Operation::RegisterOffset {
                    register,
                    offset: from,
                    ..
                } if base.is_none() => {
                    base = Some(self.base(register)?);
                    offset = from;
                }
                Operation::PlusConstant { value } if base.is_some() && !is_read => {
                    offset = offset.checked_add_unsigned(value)?;
                }
                // The whole word, not a part of it.
                Operation::Deref { size, space, .. }
                    if base.is_some()
                        && !is_read
                        && !space
                        && size == self.encoding.address_size =>
                {
                    is_read = true;
                }
                _ => return None,
            }
        }
        let offset = i32::try_from(offset).ok()?;
        Some(match is_read {
            true => Cfa::WordAt(base?, offset),
            false => Cfa::Plus(base?, offset),
        })
    }
}
