//! The slots that rules look at, and conditions on them.

use crate::chain::whole_of_text;
use crate::json::{Elements, Pointer, Trie};
use crate::json::{Token, TokenKind};
use crate::plan::{At, CAPTURES_LEVEL, Condition, LEVELS, PARTS_LEVEL, Source, Test, TypeName};
use crate::value::{Case, Literal, number_of};
use std::sync::LazyLock;

/// The slots that a rule can see: the body's, those of the elements around it, of captures and of decoded parts.
#[derive(Clone, Copy)]
pub(crate) struct Frames<'s, 'a> {
    pub(super) levels: [&'s [Token<'a>]; LEVELS],
    /// Which of the body's first 64 slots are filled.
    present: u64,
}

impl<'s, 'a> Frames<'s, 'a> {
    /// Those of a body, outside any `for_each`.
    pub(super) fn of(root: &'s [Token<'a>]) -> Self {
        let first = root.iter().take(64).enumerate();
        let present = first.fold(0, |bits, (slot, token)| bits | u64::from(!token.is_absent()) << slot);
        let mut levels: [&'s [Token<'a>]; LEVELS] = [&[]; LEVELS];
        levels[0] = root;
        Self { levels, present }
    }

    /// With the topic's captures.
    pub(super) fn with_captures(&mut self, captures: &'s [Token<'a>]) {
        self.levels[CAPTURES_LEVEL] = captures;
    }

    /// With a decoded part.
    pub(super) fn with_part(&mut self, number: usize, slots: &'s [Token<'a>]) {
        self.levels[PARTS_LEVEL + number] = slots;
    }

    /// Is any of these slots filled?
    #[inline]
    pub(super) fn any(&self, slots: u64) -> bool {
        self.present & slots != 0
    }
}

impl<'a> Frames<'_, 'a> {
    #[inline]
    pub(crate) fn token(&self, at: At) -> Token<'a> {
        self.levels[usize::from(at.level)].get(usize::from(at.slot)).copied().unwrap_or(Token::ABSENT)
    }

    /// The first of its places where anything stands.
    #[inline]
    pub(crate) fn first(&self, source: &Source) -> Token<'a> {
        let tokens = source.at.iter().map(|at| self.token(*at));
        tokens.into_iter().find(|token| !token.is_absent()).unwrap_or(Token::ABSENT)
    }

    pub(crate) fn holds(&self, condition: &Condition) -> bool {
        match condition {
            Condition::All(all) => all.iter().all(|condition| self.holds(condition)),
            Condition::Any(any) => any.iter().any(|condition| self.holds(condition)),
            Condition::Not(condition) => !self.holds(condition),
            Condition::Test(source, test) => answers(&self.first(source), test),
        }
    }
}

fn answers(token: &Token<'_>, test: &Test) -> bool {
    match test {
        Test::Exists(wanted) => token.is_absent() != *wanted,
        _ if token.is_absent() => false,
        Test::Null(wanted) => token.is_null() == *wanted,
        Test::Type(name) => type_of(token.kind) == Some(*name),
        Test::In(literals, case) => literals.iter().any(|literal| literal.equals(token, *case)),
        Test::Starts(part, case) => part_of(token, part, *case, |text, part| text.starts_with(part)),
        Test::Ends(part, case) => part_of(token, part, *case, |text, part| text.ends_with(part)),
        Test::Contains(part, case) => part_of(token, part, *case, |text, part| text.contains(part)),
        Test::Matches(regex) => token.scalar().is_some_and(|text| regex.is_match(&text)),
        Test::Has(literals, case) => has(token, literals, *case),
        Test::Empty(wanted) => is_empty(token) == *wanted,
        Test::Bit(bit) => {
            token.scalar().and_then(|text| whole_of_text(&text)).is_some_and(|n| n >> bit & 1 == 1)
        }
        Test::Between((min, min_in), (max, max_in)) => number_of(token).is_some_and(|number| {
            (number > *min || (*min_in && number == *min)) && (number < *max || (*max_in && number == *max))
        }),
    }
}

/// Is an element of the list equal to one of these?
fn has(token: &Token<'_>, literals: &[Literal], case: Case) -> bool {
    static WHOLE: LazyLock<Trie> = LazyLock::new(|| {
        let mut trie = Trie::default();
        let slot = trie.slot(&Pointer::default());
        debug_assert_eq!(slot, Ok(0));
        trie.seal();
        trie
    });
    if token.kind != TokenKind::Array {
        return false;
    }
    let mut elements = Elements::new(token.text);
    let mut slots = [Token::ABSENT];
    // The list has been scanned with its body, so that nothing in it can be malformed.
    while elements.next(&WHOLE, &mut slots).is_ok_and(|more| more) {
        if literals.iter().any(|literal| literal.equals(&slots[0], case)) {
            return true;
        }
    }
    false
}

fn is_empty(token: &Token<'_>) -> bool {
    match token.kind {
        TokenKind::Text | TokenKind::EscapedText => token.text.is_empty(),
        TokenKind::Array | TokenKind::Object => token.text[1..token.text.len() - 1].trim().is_empty(),
        TokenKind::Absent | TokenKind::Null | TokenKind::True | TokenKind::False | TokenKind::Number => false,
    }
}

fn part_of(token: &Token<'_>, part: &str, case: Case, question: impl Fn(&str, &str) -> bool) -> bool {
    let Some(text) = token.scalar() else { return false };
    match case {
        Case::Exact => question(&text, part),
        Case::Ignore => question(&text.to_lowercase(), &part.to_lowercase()),
    }
}

fn type_of(kind: TokenKind) -> Option<TypeName> {
    match kind {
        TokenKind::Absent => None,
        TokenKind::Null => Some(TypeName::Null),
        TokenKind::True | TokenKind::False => Some(TypeName::Flag),
        TokenKind::Number => Some(TypeName::Number),
        TokenKind::Text | TokenKind::EscapedText => Some(TypeName::Text),
        TokenKind::Array => Some(TypeName::Array),
        TokenKind::Object => Some(TypeName::Object),
    }
}
