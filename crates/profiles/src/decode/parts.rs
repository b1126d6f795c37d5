//! Values of the body that hold documents of their own.

use super::Trace;
use super::fields::bytes_of;
use super::frames::Frames;
use crate::chain::{Context, run};
use crate::json::{Token, scan};
use crate::limits::PARTS_MAX;
use crate::plan::{Mapping, Part};
use crate::value::shown;
use std::cell::OnceCell;

/// The texts of one message's parts.
pub(super) type Texts = [OnceCell<String>; PARTS_MAX];

/// The slots that look into them.
#[derive(Default)]
pub(super) struct Opened<'a>([OnceCell<Vec<Token<'a>>>; PARTS_MAX]);

impl<'a> Opened<'a> {
    /// Decodes one after the other. Gives what could not be decoded and is not optional.
    pub(super) fn open<'s>(
        &'s self,
        texts: &'a Texts,
        plan: &Mapping,
        frames: &mut Frames<'s, 'a>,
        context: &mut Context<'_>,
        trace: &mut impl Trace,
    ) -> Vec<String> {
        let mut faults = vec![];
        for (number, part) in plan.parts.iter().enumerate() {
            match slots(part, &texts[number], frames, context) {
                Ok(None) => trace.part(plan, number, Ok(None)),
                Ok(Some((text, slots))) => {
                    trace.part(plan, number, Ok(Some(text)));
                    frames.with_part(number, self.0[number].get_or_init(|| slots));
                }
                Err(fault) => {
                    trace.part(plan, number, Err(&fault));
                    if !part.optional {
                        faults.push(fault);
                    }
                }
            }
        }
        faults
    }
}

/// The text of a part and its slots; `None` when it is not there, or not asked for.
fn slots<'a>(
    part: &Part,
    store: &'a OnceCell<String>,
    frames: &Frames<'_, 'a>,
    context: &mut Context<'_>,
) -> Result<Option<(&'a str, Vec<Token<'a>>)>, String> {
    let token = frames.first(&part.from);
    if part.when.as_ref().is_some_and(|when| !frames.holds(when)) {
        return Ok(None);
    }
    let Some(input) = bytes_of(&token).filter(|input| !input.is_empty()) else { return Ok(None) };
    let fault = |reason: String| {
        format!("part {:?}: {} is {}: {reason}", part.name, part.from.pointers, shown(&token))
    };
    let content = run(&part.chain, input, context).map_err(fault)?;
    let text = super::kept(content.text, store);
    let mut slots = vec![Token::ABSENT; part.trie.slots()];
    if content.json {
        scan(text, &part.trie, &mut slots).map_err(|malformed| fault(malformed.to_string()))?;
    } else if let Some(slot) = part.trie.node(0).slot {
        slots[usize::from(slot)] = Token::of_text(text.trim());
    }
    Ok(Some((text, slots)))
}
