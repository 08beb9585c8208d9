//! A list that has one element nearly always.

use std::ops::Deref;

/// A list in the memory of a `Vec`, as long as it has one element at most: of a million call sites nearly each has
/// one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Few<T> {
    One(T),
    /// Any number but one.
    Other(Vec<T>),
}

impl<T: Copy + Ord> Few<T> {
    pub fn extend(&mut self, others: &[T]) {
        match (&mut *self, others) {
            (_, []) => {}
            (Few::Other(all), [only]) if all.is_empty() => *self = Few::One(*only),
            (Few::Other(all), others) => all.extend_from_slice(others),
            (Few::One(one), others) => *self = Few::Other([&[*one], others].concat()),
        }
    }

    pub fn sort_and_dedup(&mut self) {
        if let Few::Other(all) = self {
            all.sort_unstable();
            all.dedup();
            *self = std::mem::take(all).into();
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Few::Other(Vec::new())
    }
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Few::One(only) => std::slice::from_ref(only),
            Few::Other(all) => all,
        }
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(mut all: Vec<T>) -> Self {
        match all.len() {
            1 => all.pop().map_or_else(Few::default, Few::One),
            _ => Few::Other(all),
        }
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        let mut all = all.into_iter();
        match (all.next(), all.next()) {
            (None, _) => Few::default(),
            (Some(only), None) => Few::One(only),
            (Some(first), Some(second)) => {
                Few::Other([first, second].into_iter().chain(all).collect())
            }
        }
    }
}

impl<T> From<Option<T>> for Few<T> {
    fn from(one: Option<T>) -> Self {
        one.map_or_else(Few::default, Few::One)
    }
}
