//! The slots that rules look at, and conditions on them.

use crate::json::{Token, TokenKind};
use crate::plan::{At, Condition, Source, Test, TypeName};
use crate::value::{Case, number_of};

/// The slots that a rule can see: the body's, and those of the elements around it.
#[derive(Clone, Copy)]
pub(super) struct Frames<'s, 'a> {
    pub(super) levels: [&'s [Token<'a>]; 3],
    /// Which of the body's first 64 slots are filled.
    present: u64,
}

impl<'s, 'a> Frames<'s, 'a> {
    /// Those of a body, outside any `for_each`.
    pub(super) fn of(root: &'s [Token<'a>]) -> Self {
        let first = root.iter().take(64).enumerate();
        let present = first.fold(0, |bits, (slot, token)| bits | u64::from(!token.is_absent()) << slot);
        Self { levels: [root, &[], &[]], present }
    }

    /// Is any of these slots filled?
    #[inline]
    pub(super) fn any(&self, slots: u64) -> bool {
        self.present & slots != 0
    }
}

impl<'a> Frames<'_, 'a> {
    #[inline]
    pub(super) fn token(&self, at: At) -> Token<'a> {
        self.levels[usize::from(at.depth)].get(usize::from(at.slot)).copied().unwrap_or(Token::ABSENT)
    }

    /// The first of its places where anything stands.
    #[inline]
    pub(super) fn first(&self, source: &Source) -> Token<'a> {
        let tokens = source.at.iter().map(|at| self.token(*at));
        tokens.into_iter().find(|token| !token.is_absent()).unwrap_or(Token::ABSENT)
    }

    pub(super) fn holds(&self, condition: &Condition) -> bool {
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
        Test::Between((min, min_in), (max, max_in)) => number_of(token).is_some_and(|number| {
            (number > *min || (*min_in && number == *min)) && (number < *max || (*max_in && number == *max))
        }),
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
