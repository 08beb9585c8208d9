//! How far the runs of a command have come: each step takes what the one before it gives, so that none can come too
//! early or be left out.

use std::marker::PhantomData;
use std::ops::Deref;

use super::Run;

/// Runs, in order, at a stage of the way.
#[derive(Debug)]
pub(crate) struct Runs<Stage> {
    runs: Vec<Run>,
    stage: PhantomData<Stage>,
}

/// Their callers have the names that their own files give.
#[derive(Debug)]
pub(crate) enum OwnNames {}

/// What the user calls otherwise has its other name.
#[derive(Debug)]
pub(crate) enum Renamed {}

/// What old tools' results leave open is taken from the other runs.
#[derive(Debug)]
pub(crate) enum Settled {}

/// What calls itself one build is one.
#[derive(Debug)]
pub(crate) enum TrueBuilds {}

/// A place of one build has one name in all of them.
#[derive(Debug)]
pub(crate) enum BestNames {}

/// The runs themselves have names, all different.
#[derive(Debug)]
pub(crate) enum ToldApart {}

impl<Stage> Runs<Stage> {
    pub(crate) fn new(runs: Vec<Run>) -> Self {
        Runs {
            runs,
            stage: PhantomData,
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Run> {
        self.runs
    }

    /// The next stage, where each run comes to it by itself.
    pub(crate) fn map<Next>(self, step: impl FnMut(Run) -> Run) -> Runs<Next> {
        Runs::new(self.runs.into_iter().map(step).collect())
    }
}

impl<Stage> Deref for Runs<Stage> {
    type Target = [Run];

    fn deref(&self) -> &[Run] {
        &self.runs
    }
}
